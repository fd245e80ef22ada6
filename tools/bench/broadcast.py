"""A message to a room of up to three thousand connections: posted concurrently, as the chat does it, and one by one."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from moto import mock_aws
from pydantic import TypeAdapter

from storefront.chat import broadcast as fan_out
from storefront.chat import frame
from storefront.chat.connection import MAX_POSTS_AT_ONCE
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.gateway import POST_LIMITS, ConnectionGateway
from storefront.chat.message import Message, new_message_id
from storefront.chat.room_store import RoomStore
from storefront.shared import clock
from tools.bench.figure import Figure
from tools.bench.gateway import gateway
from tools.bench.pictures import lines
from tools.bench.report import Run
from tools.bench.section import Section, about, listed
from tools.console import step
from tools.testing import room

_ROOM = "support"
_TABLE = "ChatTable"
_WAYS = {"concurrently": MAX_POSTS_AT_ONCE, "one by one": 1}
# How often each way, by the number of connections; one by one, three thousand take half a minute.
_RUNS = {10: (9, 9), 100: (9, 5), 1000: (3, 2), 3000: (3, 1)}
_QUICK_RUNS = {10: (2, 2), 100: (2, 1)}
_RUNS_OF_ONE_SIZE = (3, 1)
# moto takes any credentials.
_CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}  # nosec B105


@dataclass(frozen=True)
class Measurement:
    """One way of posting to a number of connections, with the AWS calls of one broadcast."""

    connections: int
    way: str
    time: Figure
    floor: Figure
    calls: dict[str, int]

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of this measurement's row."""
        figures = self.time.text, self.time.spread, self.floor.text, f"{self.time.ratio_to(self.floor):.2f}"
        return f"{self.connections:,}", self.way, *figures, listed(dict(sorted(self.calls.items())))


READ = TypeAdapter(list[Measurement]).validate_python


def measure(run: Run, *, connections: int | None = None, delay_ms: float = 10) -> Section:
    """Broadcast to rooms of several sizes, or of one."""
    runs = _QUICK_RUNS if run.quick else _RUNS
    if connections:
        runs = {connections: _RUNS_OF_ONE_SIZE}
    measurements = []
    with gateway(delay_ms) as url:
        for size, times in runs.items():
            with step(f"broadcast to {size:,} connections") as current, _room(size) as dynamodb:
                for way, number in zip(_WAYS, times, strict=True):
                    current.progress(way)
                    measurements.append(_measured(size, way, dynamodb, url, number))
    return section({"delay_ms": delay_ms, "measurements": [asdict(one) for one in measurements]})


def section(data: Any) -> Section:
    """Make the report's section."""
    measurements = READ(data["measurements"])
    drawn: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in measurements:
        drawn[one.way].append((one.connections, one.time.median))
    drawn["floor of concurrent posts"] = [
        (one.connections, one.floor.median) for one in measurements if one.way == "concurrently"
    ]
    return Section(
        *about("broadcast", at_once=MAX_POSTS_AT_ONCE, delay_ms=data["delay_ms"]),
        head=("connections", "posts", "time", "spread", "floor", "ratio", "calls of one broadcast"),
        rows=[one.row for one in measurements],
        chart=lines("Seconds until everybody in the room has the message", ("connections", "seconds"), drawn),
        data=data,
    )


def _measured(connections: int, way: str, dynamodb: Any, url: str, runs: int) -> Measurement:
    """Broadcast several times, in turn with the floor."""
    at_once = _WAYS[way]
    limits = POST_LIMITS.merge(Config(max_pool_connections=at_once))
    posts: Any = boto3.client("apigatewaymanagementapi", endpoint_url=url, config=limits, **_CREDENTIALS)  # type: ignore[call-overload]
    calls: Counter[str] = Counter()
    for client in (dynamodb, posts):
        # A request is made for each attempt, so that retries count as well.
        client.meta.events.register("request-created", lambda operation_name, **_: calls.update([operation_name]))
    ours = partial(
        _broadcast, RoomStore(dynamodb, _TABLE), ConnectionStore(dynamodb, _TABLE), ConnectionGateway(posts), at_once
    )
    floor = partial(_post_only, posts, connections, at_once)
    # So that no connection to the server is opened in what is measured.
    _post_only(posts, at_once, at_once)
    ours_seconds, floor_seconds = [], []
    for _ in range(runs):
        floor_seconds.append(_seconds(floor))
        calls.clear()
        ours_seconds.append(_seconds(ours))
    return Measurement(connections, way, Figure.of(ours_seconds, "s"), Figure.of(floor_seconds, "s"), dict(calls))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _broadcast(rooms: RoomStore, connections: ConnectionStore, gateway: ConnectionGateway, at_once: int) -> None:
    """Broadcast, as the chat does it; if a post is not delivered, there is nothing to compare."""
    message = _message()
    with mock.patch.object(fan_out, "MAX_POSTS_AT_ONCE", at_once):
        outcomes = fan_out.broadcast(
            frame.message_in_room(message),
            rooms.members(_ROOM, message.sent_at),
            gateway,
            lambda connection_id: connections.close(connection_id, _ROOM),
            lambda: True,
        )
    if outcomes.keys() != {fan_out.Outcome.DELIVERED}:
        raise AssertionError(f"not everybody got it: {dict(outcomes)}")


def _post_only(posts: Any, connections: int, at_once: int) -> None:
    """Post what a broadcast posts, and do nothing else."""
    data = frame.encoded(frame.message_in_room(_message()))
    with ThreadPoolExecutor(at_once) as pool:
        names = (f"connection-{number}" for number in range(connections))
        # A list, so that a failure is not lost.
        list(pool.map(lambda name: posts.post_to_connection(ConnectionId=name, Data=data), names))


def _message() -> Message:
    now = clock.now()
    return Message(new_message_id(now), _ROOM, "a-customer", "A customer", "customer", "Hello!", now, "one")


@contextmanager
def _room(size: int) -> Iterator[Any]:
    """Yield a DynamoDB client whose chat table has a room of this size."""
    with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        dynamodb = boto3.client("dynamodb", **_CREDENTIALS)  # type: ignore[call-overload]
        room.create_table(dynamodb, _TABLE)
        room.fill(dynamodb, _TABLE, _ROOM, [f"connection-{number}" for number in range(size)])
        yield dynamodb
