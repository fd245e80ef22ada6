"""$default: what is no JSON, and what asks for something that there is not."""

import os

from storefront.chat.connections import POST_LIMITS, Connections
from storefront.chat.store import ChatStore
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared.aws import client
from storefront.shared.errors import InvalidRequest

_chat = ChatStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_connections = Connections(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(bytes, _chat, _connections)
def handler(exchange: Exchange[bytes]) -> None:
    """Say what can be asked for."""
    raise InvalidRequest("/action: send `joinRoom`, `leaveRoom`, `sendMessage`, `history` or `ping`.")
