"""ping."""

import os

from storefront.chat import frame
from storefront.chat.connections import POST_LIMITS, Connections
from storefront.chat.request import RULES, Ping
from storefront.chat.store import ChatStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse

_chat = ChatStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_connections = Connections(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(Ping, body, RULES), _chat, _connections)
def handler(exchange: Exchange[Ping]) -> None:
    """Answer, and so keep the connection from being idle."""
    _chat.count_frame(exchange.connection.id, clock.now())
    exchange.answer(frame.pong(exchange.request.requestId))
