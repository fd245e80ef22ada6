"""sendMessage."""

import os

from storefront.chat import frame
from storefront.chat.broadcast import broadcast, by_name
from storefront.chat.connections import LAST_POST_MILLISECONDS, POST_LIMITS, Connections
from storefront.chat.message import Message, new_message_id
from storefront.chat.request import RULES, SendMessage
from storefront.chat.store import BROADCAST_LIMITS, ChatStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse
from storefront.shared.observability import MetricUnit, logger, metrics

_chat = ChatStore(client("dynamodb", limits=BROADCAST_LIMITS), os.environ["CHAT_TABLE"])
_connections = Connections(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(SendMessage, body, RULES), _chat, _connections)
def handler(exchange: Exchange[SendMessage]) -> None:
    """Keep a message, and send it to everybody in its room."""
    message = _message_of(exchange)
    kept = _chat.add(message, exchange.connection.id)
    logger.append_keys(room=message.room, message_id=kept.message.id)
    # First the answer: the sender need not wait for everybody else.
    exchange.answer(frame.sent(exchange.request.requestId, kept.message))
    if kept.is_new:
        _send_to_room(message, exchange)
    else:
        logger.info("message was sent again")


def _message_of(exchange: Exchange[SendMessage]) -> Message:
    request, sender, now = exchange.request, exchange.connection, clock.now()
    return Message(
        id=new_message_id(now),
        room=request.room,
        sender_id=sender.customer_id,
        name=sender.name,
        group=sender.group,
        text=request.text,
        sent_at=now,
        client_id=request.clientId,
    )


def _send_to_room(message: Message, exchange: Exchange[SendMessage]) -> None:
    metrics.add_metric("ChatMessagesSent", MetricUnit.Count, 1)
    outcomes = broadcast(
        frame.message_in_room(message),
        _chat.members(message.room, message.sent_at),
        _connections,
        lambda connection_id: _chat.close(connection_id, message.room),
        lambda: exchange.remaining_milliseconds() > LAST_POST_MILLISECONDS,
    )
    logger.info("message sent", extra={"posts": by_name(outcomes)})
