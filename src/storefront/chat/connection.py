"""A connection to the chat, and what one user may ask for over all of theirs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from storefront.identity import chat_user_of

# A connection ends after two hours ("Quotas for configuring and running a WebSocket API in API Gateway", Amazon API
# Gateway Developer Guide); what is written about it outlasts it by a margin, and no longer.
CONNECTION_TIME = timedelta(hours=2, minutes=10)

# A connection's row is there before $connect has ended, and until then a post is answered as if it were gone ("How do I
# troubleshoot 410 GoneException errors with Amazon API Gateway WebSocket APIs?", AWS re:Post Knowledge Center). The
# gateway waits 29 seconds for a function ("Quotas for configuring and running a WebSocket API in API Gateway").
OPENING_TIME = timedelta(seconds=30)

# A user's limit: nobody makes each message to a room cost more posts than that.
MAX_CONNECTIONS = 10

# A connection's limit.
MAX_ROOMS = 20

# A user's limit over all their connections, so that the others keep their share. The windows are fixed, for one write
# each frame: over the boundary of two of them twice as many pass.
MAX_FRAMES = 20
WINDOW_SECONDS = 10

# The gateway closes a connection over a frame of more than 32 KB (same page); below that, we can say what is wrong.
MAX_FRAME_BYTES = 30_000

# One broadcast keeps neither the gateway nor its own function busier than that.
MAX_POSTS_AT_ONCE = 32


class ConnectionGone(Exception):
    """Nobody is at the other end any more, nor ever will be."""


class PostFailed(Exception):
    """The frame was not delivered, and the connection may well be there."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection and who it belongs to, as the authorizer of `$connect` has found out.

    Parameters
    ----------
    id
        The gateway's id, by which the connection is posted to.
    customer_id, name, group
        The user at the other end; the group is `customer` or `support`.
    connected_at
        Since when.
    """

    id: str
    customer_id: str
    name: str
    group: str
    connected_at: datetime

    @property
    def expires_at(self) -> datetime:
        """From when on the connection counts as gone, whether or not anybody has said so."""
        return self.connected_at + CONNECTION_TIME


@dataclass(frozen=True, slots=True)
class Recipient:
    """A connection to send to.

    Parameters
    ----------
    connection_id
        Which one.
    expired
        Whether its time is over, though nobody has said that it has ended.
    opening
        Whether it may not be established yet: then a post that is answered with "gone" says nothing.
    """

    connection_id: str
    expired: bool = False
    opening: bool = False


def connection_of(event: dict[str, Any]) -> Connection:
    """Return the connection that a WebSocket event comes from."""
    context = event["requestContext"]
    user = chat_user_of(event)
    connected_at = datetime.fromtimestamp(context["connectedAt"] / 1000, UTC)
    return Connection(context["connectionId"], user.id, user.name, user.group, connected_at)
