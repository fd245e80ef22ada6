"""sendMessage."""

import os

from storefront.chat import frame
from storefront.chat.broadcast import broadcast, by_name
from storefront.chat.connection_store import BROADCAST_LIMITS, ConnectionStore
from storefront.chat.gateway import LAST_POST_MILLISECONDS, POST_LIMITS, ConnectionGateway
from storefront.chat.message import Message, new_message_id
from storefront.chat.message_store import MessageStore
from storefront.chat.request import RULES, SendMessage
from storefront.chat.room_store import RoomStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse
from storefront.shared.observability import MetricUnit, logger, metrics

_dynamodb, _table = client("dynamodb", limits=BROADCAST_LIMITS), os.environ["CHAT_TABLE"]
_connections = ConnectionStore(_dynamodb, _table)
_rooms = RoomStore(_dynamodb, _table)
_messages = MessageStore(_dynamodb, _table)
_gateway = ConnectionGateway(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(SendMessage, body, RULES), _connections, _gateway)
def handler(exchange: Exchange[SendMessage]) -> None:
    """Keep a message, and send it to everybody in its room."""
    message = _message_of(exchange)
    stored = _messages.add(message, exchange.connection.id)
    logger.append_keys(room=message.room, message_id=stored.message.id)
    # First the answer: the sender need not wait for everybody else.
    exchange.answer(frame.sent(exchange.request.requestId, stored.message))
    if stored.is_new:
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
        _rooms.members(message.room, message.sent_at),
        _gateway,
        lambda connection_id: _connections.close(connection_id, message.room),
        lambda: exchange.remaining_milliseconds() > LAST_POST_MILLISECONDS,
    )
    logger.info("message sent", extra={"posts": by_name(outcomes)})
