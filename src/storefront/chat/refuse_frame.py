"""$default: frames that are not JSON, or that name an unknown action."""

import os

from storefront.chat.connection_store import ConnectionStore
from storefront.chat.gateway import POST_LIMITS, ConnectionGateway
from storefront.chat.websocket import Exchange, websocket_handler
from storefront.shared.aws import client
from storefront.shared.errors import InvalidRequest

_connections = ConnectionStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_gateway = ConnectionGateway(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)


@websocket_handler(bytes, _connections, _gateway)
def handler(exchange: Exchange[bytes]) -> None:
    """Say what can be asked for."""
    raise InvalidRequest("/action: send `joinRoom`, `leaveRoom`, `sendMessage`, `history` or `ping`.")
