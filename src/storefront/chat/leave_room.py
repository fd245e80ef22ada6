"""leaveRoom."""

import os

from storefront.chat import frame
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.gateway import POST_LIMITS, ConnectionGateway
from storefront.chat.request import RULES, LeaveRoom
from storefront.chat.room_store import RoomStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse
from storefront.shared.observability import logger

_dynamodb, _table = client("dynamodb"), os.environ["CHAT_TABLE"]
_connections = ConnectionStore(_dynamodb, _table)
_rooms = RoomStore(_dynamodb, _table)
_gateway = ConnectionGateway(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(LeaveRoom, body, RULES), _connections, _gateway)
def handler(exchange: Exchange[LeaveRoom]) -> None:
    """Take a connection out of a room."""
    request = exchange.request
    _rooms.leave(exchange.connection, request.room, clock.now())
    logger.info("left", extra={"room": request.room})
    exchange.answer(frame.left(request.requestId, request.room))
