"""The fan-out itself: how much at once, and until when."""

import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from storefront.chat.broadcast import Outcome, broadcast, by_name
from storefront.chat.connection import MAX_POSTS_AT_ONCE, ConnectionGone, PostFailed, Recipient
from storefront.chat.frame import Frame
from storefront.shared.observability import metrics

FRAME = {"event": "message"}


def recipients(count: int) -> list[Recipient]:
    return [Recipient(str(number)) for number in range(count)]


def no_close(connection_id: str) -> None:
    pytest.fail("nobody is gone")


class Gateway:
    """Counts posts, and how many there are at once."""

    def __init__(self, wait: Any = lambda: None) -> None:
        self.posts = 0
        self.most = 0
        self._now = 0
        self._wait = wait
        self._lock = threading.Lock()

    def post(self, connection_id: str, frame: Any) -> None:
        with self._lock:
            self.posts += 1
            self._now += 1
            self.most = max(self.most, self._now)
        self._wait()
        with self._lock:
            self._now -= 1


def test_many_posts_are_made_at_once_and_no_more_than_the_bound() -> None:
    # given posts each of which waits until there are as many as the bound allows
    everybody = threading.Barrier(MAX_POSTS_AT_ONCE, timeout=10)
    gateway = Gateway(everybody.wait)

    outcomes = broadcast(FRAME, [recipients(4 * MAX_POSTS_AT_ONCE)], gateway, no_close, lambda: True)

    assert outcomes == {Outcome.DELIVERED: 4 * MAX_POSTS_AT_ONCE}
    assert gateway.most == MAX_POSTS_AT_ONCE


def test_posts_are_made_while_the_next_page_is_read() -> None:
    posted = threading.Event()
    gateway = Gateway(posted.set)

    def pages() -> Iterator[list[Recipient]]:
        yield recipients(1)
        assert posted.wait(10), "nothing was posted before the second page was read"
        yield recipients(1)

    assert broadcast(FRAME, pages(), gateway, no_close, lambda: True) == {Outcome.DELIVERED: 2}


def test_when_time_is_up_no_post_is_begun_and_no_page_is_read() -> None:
    gateway = Gateway(lambda: time.sleep(0.005))
    read = []

    def pages() -> Iterator[list[Recipient]]:
        for page in range(3):
            read.append(page)
            yield recipients(100)
            while page == 1 and gateway.posts < 150:
                time.sleep(0.001)

    outcomes = broadcast(FRAME, pages(), gateway, no_close, lambda: gateway.posts < 150)

    assert outcomes[Outcome.DELIVERED] == gateway.posts
    # Those that had begun are let through.
    assert 150 <= gateway.posts < 150 + MAX_POSTS_AT_ONCE
    assert outcomes[Outcome.SKIPPED] == 100 * len(read) - gateway.posts
    assert sum(outcomes.values()) == 100 * len(read)


def test_when_time_is_up_who_is_gone_is_left_to_the_next_broadcast() -> None:
    # given a post that takes what time there was
    time_is_up = threading.Event()

    class Gone:
        def post(self, connection_id: str, frame: Any) -> None:
            time_is_up.set()
            raise ConnectionGone(connection_id)

    outcomes = broadcast(FRAME, [recipients(1)], Gone(), no_close, lambda: not time_is_up.is_set())

    assert outcomes == {Outcome.GONE: 1}


def test_a_broadcast_that_has_no_time_reads_one_page() -> None:
    read = []

    def pages() -> Iterator[list[Recipient]]:
        for page in range(3):
            read.append(page)
            yield recipients(10)

    gateway = Gateway()

    assert broadcast(FRAME, pages(), gateway, no_close, lambda: False) == {Outcome.SKIPPED: 10}
    assert read == [0]
    assert gateway.posts == 0


GONE, FAILED = ConnectionGone("gone"), PostFailed("LimitExceededException")
NOT_YET = "it may not be established yet"


@pytest.mark.parametrize(
    ("recipient", "error", "outcome", "closed", "reason"),
    [
        (Recipient("ada-1"), None, Outcome.DELIVERED, [], None),
        (Recipient("ada-1"), GONE, Outcome.GONE, ["ada-1"], None),
        (Recipient("ada-1", opening=True), GONE, Outcome.FAILED, [], NOT_YET),
        (Recipient("ada-1"), FAILED, Outcome.FAILED, [], "LimitExceededException"),
        (Recipient("ada-1", expired=True), None, Outcome.GONE, ["ada-1"], None),
    ],
)
def test_a_connection_is_told_or_told_of(
    log: io.StringIO,
    recipient: Recipient,
    error: Exception | None,
    outcome: Outcome,
    closed: list[str],
    reason: str | None,
) -> None:
    class Answering:
        def post(self, connection_id: str, frame: Frame) -> None:
            assert (connection_id, frame) == ("ada-1", {"event": "message"})
            if error:
                raise error

    found: list[str] = []
    metrics.clear_metrics()

    outcomes = broadcast({"event": "message"}, [[recipient]], Answering(), found.append, lambda: True)

    assert (outcomes, found) == ({outcome: 1}, closed)
    assert metrics.metric_set[outcome]["Value"] == [1.0]
    told = [(line["recipient"], line["reason"]) for line in map(json.loads, log.getvalue().splitlines())]
    assert told == ([("ada-1", reason)] if reason else [])
    assert by_name(outcomes) == {outcome.name.lower(): 1}
    metrics.clear_metrics()


def test_a_connection_that_cannot_be_removed_fails_nobody(log: io.StringIO) -> None:
    class Answering:
        def post(self, connection_id: str, frame: Frame) -> None:
            raise GONE

    def close(connection_id: str) -> None:
        raise KeyError("canary")

    outcomes = broadcast({}, [[Recipient("ada-1")]], Answering(), close, lambda: True)

    assert outcomes == {Outcome.GONE: 1}
    assert json.loads(log.getvalue())["recipient"] == "ada-1"
    metrics.clear_metrics()
