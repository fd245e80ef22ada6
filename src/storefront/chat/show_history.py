"""history."""

import os

from storefront.chat import frame
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.gateway import POST_LIMITS, ConnectionGateway
from storefront.chat.message_store import MessageStore
from storefront.chat.request import RULES, ShowHistory
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.body import parse

_dynamodb, _table = client("dynamodb"), os.environ["CHAT_TABLE"]
_connections = ConnectionStore(_dynamodb, _table)
_messages = MessageStore(_dynamodb, _table)
_gateway = ConnectionGateway(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(lambda body: parse(ShowHistory, body, RULES), _connections, _gateway)
def handler(exchange: Exchange[ShowHistory]) -> None:
    """Show what was said in a room before."""
    request = exchange.request
    messages, more = _messages.history(exchange.connection, request.room, request.limit, request.before, clock.now())
    exchange.answer(frame.history(request.requestId, request.room, messages, more=more))
