"""The way of a frame to many connections: none holds up, or fails, the others."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Protocol

from storefront.chat.connection import MAX_POSTS_AT_ONCE, ConnectionGone, PostFailed, Recipient
from storefront.chat.frame import Frame
from storefront.shared.observability import MetricUnit, logger, metrics


class Outcome(StrEnum):
    """What became of a frame on its way to one connection; each is counted by this name."""

    DELIVERED = "ChatPostsDelivered"
    GONE = "ChatPostsGone"
    FAILED = "ChatPostsFailed"
    SKIPPED = "ChatPostsSkipped"


class Gateway(Protocol):
    """What frames are sent through."""

    def post(self, connection_id: str, frame: Frame) -> None: ...  # noqa: D102


# Removes what is stored of a connection.
Close = Callable[[str], None]


def broadcast(
    frame: Frame,
    pages: Iterable[list[Recipient]],
    gateway: Gateway,
    close: Close,
    has_time: Callable[[], bool],
) -> Mapping[Outcome, int]:
    """Send a frame to all recipients, some at a time, while the next page of them is being read.

    Parameters
    ----------
    frame
        What to send.
    pages
        Whom to.
    gateway
        What through.
    close
        Removes what is stored of a connection that is gone.
    has_time
        Tells whether another post can be begun, and end, before this function is ended.

    Returns
    -------
    Mapping
        How many posts had which outcome.
    """

    def send(recipient: Recipient) -> Outcome:
        if not has_time():
            return Outcome.SKIPPED
        if recipient.expired:
            return _forget(recipient.connection_id, close)
        return deliver(frame, recipient.connection_id, gateway, close)

    posts: list[Future[Outcome]] = []
    with ThreadPoolExecutor(MAX_POSTS_AT_ONCE) as pool:
        for page in pages:
            posts += [pool.submit(send, recipient) for recipient in page]
            if not has_time():
                logger.warning("no time to read all recipients")
                break
    return Counter(post.result() for post in posts)


def deliver(frame: Frame, connection_id: str, gateway: Gateway, close: Close) -> Outcome:
    """Send a frame to one connection, and remove that connection if it is gone."""
    try:
        gateway.post(connection_id, frame)
    except ConnectionGone:
        return _forget(connection_id, close)
    except PostFailed as failure:
        # Whoever is at the other end is still there, and may read the history.
        logger.warning("post failed", extra={"recipient": connection_id, "reason": str(failure)})
        return Outcome.FAILED
    return Outcome.DELIVERED


def count(outcomes: Mapping[Outcome, int]) -> None:
    """Add outcomes to the metrics."""
    for outcome, times in outcomes.items():
        metrics.add_metric(outcome, MetricUnit.Count, times)


def _forget(connection_id: str, close: Close) -> Outcome:
    try:
        close(connection_id)
    except Exception:
        # The next broadcast meets it again.
        logger.exception("connection not removed", extra={"recipient": connection_id})
    return Outcome.GONE
