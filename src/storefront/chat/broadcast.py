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
    """The outcome of a post to one connection; each is counted by this name."""

    DELIVERED = "ChatPostsDelivered"
    GONE = "ChatPostsGone"
    FAILED = "ChatPostsFailed"
    SKIPPED = "ChatPostsSkipped"


class Gateway(Protocol):
    """The API that sends frames."""

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
    """Send a frame to all recipients, some at a time, while the next page of them is being read; count the outcomes.

    Parameters
    ----------
    frame
        The frame to send.
    pages
        Whom to.
    gateway
        The API that sends it.
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
            return _forget(recipient.connection_id, close, has_time)
        return deliver(frame, recipient, gateway, close, has_time)

    posts: list[Future[Outcome]] = []
    try:
        with ThreadPoolExecutor(MAX_POSTS_AT_ONCE) as pool:
            for page in pages:
                posts += [pool.submit(send, recipient) for recipient in page]
                if not has_time():
                    logger.warning("no time to read all recipients")
                    break
    except Exception:
        # Posts that were sent count.
        logger.warning("not all recipients were read", extra={"posts": by_name(_outcomes_of(posts))})
        raise
    finally:
        count(_outcomes_of(posts))
    return _outcomes_of(posts)


def deliver(
    frame: Frame, recipient: Recipient, gateway: Gateway, close: Close, has_time: Callable[[], bool]
) -> Outcome:
    """Send a frame to one connection, and remove that connection if it is gone."""
    try:
        gateway.post(recipient.connection_id, frame)
    except ConnectionGone:
        if not recipient.opening:
            return _forget(recipient.connection_id, close, has_time)
        reason = "it may not be established yet"
    except PostFailed as failure:
        # The client is still there, and may read the history.
        reason = str(failure)
    else:
        return Outcome.DELIVERED
    logger.warning("post failed", extra={"recipient": recipient.connection_id, "reason": reason})
    return Outcome.FAILED


def count(outcomes: Mapping[Outcome, int]) -> None:
    """Add outcomes to the metrics."""
    for outcome, times in outcomes.items():
        metrics.add_metric(outcome, MetricUnit.Count, times)


def by_name(outcomes: Mapping[Outcome, int]) -> Mapping[str, int]:
    """Return outcomes as a log line tells them."""
    return {outcome.name.lower(): times for outcome, times in outcomes.items()}


def _outcomes_of(posts: Iterable[Future[Outcome]]) -> Counter[Outcome]:
    return Counter(post.result() for post in posts)


def _forget(connection_id: str, close: Close, has_time: Callable[[], bool]) -> Outcome:
    if not has_time():
        # The post may have taken what there was. The next broadcast meets it again.
        return Outcome.GONE
    try:
        close(connection_id)
    except Exception:
        # The next broadcast meets it again.
        logger.exception("connection not removed", extra={"recipient": connection_id})
    return Outcome.GONE
