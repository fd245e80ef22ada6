"""leaveRoom."""

import os

from storefront.chat import frame
from storefront.chat.connections import POST_LIMITS, Connections
from storefront.chat.request import RULES, LeaveRoom
from storefront.chat.store import ChatStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse
from storefront.shared.observability import logger

_chat = ChatStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_connections = Connections(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(LeaveRoom, body, RULES), _chat, _connections)
def handler(exchange: Exchange[LeaveRoom]) -> None:
    """Take a connection out of a room."""
    request = exchange.request
    _chat.leave(exchange.connection, request.room, clock.now())
    logger.info("left", extra={"room": request.room})
    exchange.answer(frame.left(request.requestId, request.room))
