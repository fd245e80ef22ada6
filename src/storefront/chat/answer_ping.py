"""ping."""

import os

from storefront.chat import frame
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.gateway import POST_LIMITS, ConnectionGateway
from storefront.chat.request import RULES, Ping
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse

_connections = ConnectionStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_gateway = ConnectionGateway(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(Ping, body, RULES), _connections, _gateway)
def handler(exchange: Exchange[Ping]) -> None:
    """Answer, and so keep the connection from being idle."""
    _connections.count_frame(exchange.connection.customer_id, clock.now())
    exchange.answer(frame.pong(exchange.request.requestId))
