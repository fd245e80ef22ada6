"""The gateway's `@connections`: the only place that sends to connections.

On a route without a route response a handler's return value is dropped; so answers are posted, too.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storefront.chat.connection import MAX_POSTS_AT_ONCE, ConnectionGone, PostFailed
from storefront.chat.frame import encoded

_CONNECT_SECONDS = 0.5
_READ_SECONDS = 1.5
_ATTEMPTS = 3

# The mode `standard` tries again after a 429 (`LimitExceededException`) and a 5xx, and stops doing so for a while where
# too many calls fail ("Retries", Boto3 documentation): a thousand throttled posts do not become three thousand.
POST_LIMITS = Config(
    connect_timeout=_CONNECT_SECONDS,
    read_timeout=_READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    max_pool_connections=MAX_POSTS_AT_ONCE,
)

# Every attempt as slow as it may be, with botocore's longest pauses between them: up to 1 second, then up to 2.
LONGEST_POST_SECONDS = _ATTEMPTS * (_CONNECT_SECONDS + _READ_SECONDS) + sum(2**retry for retry in range(_ATTEMPTS - 1))

# With less of an invocation left, no post is begun; a second is left to finish what there is.
LAST_POST_MILLISECONDS = int((LONGEST_POST_SECONDS + 1) * 1000)


class ConnectionGateway:
    """Sends frames to connections.

    Parameters
    ----------
    gateway
        A client of `apigatewaymanagementapi` for the API's own endpoint, with `POST_LIMITS`.
    """

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    def post(self, connection_id: str, frame: Mapping[str, Any]) -> None:
        """Send a frame to a connection.

        Raises
        ------
        ConnectionGone
            The connection is gone.
        PostFailed
            It was throttled, refused or not answered in time, at every attempt.
        """
        try:
            self._gateway.post_to_connection(ConnectionId=connection_id, Data=encoded(frame))
        except ClientError as error:
            # By the status: an answer without a body has no other name for it ("PostToConnection", Amazon API Gateway
            # Management API Reference). It is a ClientError as any other is, so it is looked for first.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.GONE:
                raise ConnectionGone(connection_id) from error
            raise PostFailed(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise PostFailed(type(error).__name__) from error
