"""history."""

import os

from storefront.chat import frame
from storefront.chat.connections import POST_LIMITS, Connections
from storefront.chat.request import RULES, ShowHistory
from storefront.chat.store import ChatStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse

_chat = ChatStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_connections = Connections(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(ShowHistory, body, RULES), _chat, _connections)
def handler(exchange: Exchange[ShowHistory]) -> None:
    """Show what was said in a room before."""
    request = exchange.request
    messages, more = _chat.history(exchange.connection.id, request.room, request.limit, request.before, clock.now())
    exchange.answer(frame.history(request.requestId, request.room, messages, more=more))
