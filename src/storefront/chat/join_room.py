"""joinRoom."""

import os

from storefront.chat import frame
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.gateway import POST_LIMITS, ConnectionGateway
from storefront.chat.request import RULES, JoinRoom
from storefront.chat.room import may_enter
from storefront.chat.room_store import RoomStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.orders.order import OrderKey
from storefront.orders.order_store import OrderStore
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse
from storefront.shared.errors import Forbidden
from storefront.shared.observability import logger

_dynamodb, _table = client("dynamodb"), os.environ["CHAT_TABLE"]
_connections = ConnectionStore(_dynamodb, _table)
_rooms = RoomStore(_dynamodb, _table)
_gateway = ConnectionGateway(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)
_orders = OrderStore(_dynamodb, os.environ["ORDERS_TABLE"])


@websocket_handler(lambda body: parse(JoinRoom, body, RULES), _connections, _gateway)
def handler(exchange: Exchange[JoinRoom]) -> None:
    """Put a connection into a room."""
    request, connection = exchange.request, exchange.connection

    def is_own_order(order_id: str) -> bool:
        return _orders.has(OrderKey(connection.customer_id, order_id))

    if not may_enter(request.room, connection.group, is_own_order):
        # The same for an order of somebody else's, and for one that there is not.
        raise Forbidden("This room is not open to you. Join `support`, or `order-` and the id of an order of yours.")
    _rooms.join(connection, request.room, clock.now())
    logger.info("joined", extra={"room": request.room})
    exchange.answer(frame.joined(request.requestId, request.room))
