"""$connect, after the authorizer has let somebody in."""

import os

from storefront.chat.connection import connection_of
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.websocket import Event, connection_handler
from storefront.shared.aws import client
from storefront.shared.observability import logger

_connections = ConnectionStore(client("dynamodb"), os.environ["CHAT_TABLE"])


@connection_handler(_connections)
def handler(event: Event) -> None:
    """Note a new connection."""
    connection = connection_of(event)
    _connections.open(connection)
    logger.info("connected", extra={"group": connection.group})
