"""$disconnect: a help, and no more. The gateway tries to call it and does not promise to.

("Manage connected users and client apps: $connect and $disconnect routes", Amazon API Gateway Developer Guide.)
"""

import os

from storefront.chat.connection_store import ConnectionStore
from storefront.chat.websocket import Event, connection_handler
from storefront.shared.aws import client
from storefront.shared.observability import logger

_connections = ConnectionStore(client("dynamodb"), os.environ["CHAT_TABLE"])


@connection_handler(_connections)
def handler(event: Event) -> None:
    """Forget a connection."""
    _connections.close(event["requestContext"]["connectionId"])
    logger.info("disconnected")
