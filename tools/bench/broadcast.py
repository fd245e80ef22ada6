"""A message to a room of up to three thousand connections: posted concurrently, as the chat does it, and one by one.

What runs is the chat's own code, from the query for the room's members to the last post. DynamoDB is moto, in this
process and without a network; ``@connections`` is a server in a process of its own, which answers each post after a
fixed delay. That delay stands for what AWS takes. The floor is the same number of the same posts by boto3's client
alone, as many at once, in the same process and in turn with ours.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from moto import mock_aws

from storefront.chat import broadcast as fan_out
from storefront.chat import frame
from storefront.chat.connection import MAX_POSTS_AT_ONCE
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.gateway import POST_LIMITS, ConnectionGateway
from storefront.chat.message import Message, new_message_id
from storefront.chat.room_store import RoomStore
from storefront.shared import clock
from tools.bench.gateway import gateway
from tools.bench.pictures import lines
from tools.bench.report import Figure, Section
from tools.console import step

_ROOM = "support"
_TABLE = "ChatTable"
_WAYS = {"concurrently": MAX_POSTS_AT_ONCE, "one by one": 1}
# How often, by the number of connections and the way; one by one, three thousand take half a minute.
_RUNS = {
    10: {"concurrently": 9, "one by one": 9},
    100: {"concurrently": 9, "one by one": 5},
    1000: {"concurrently": 3, "one by one": 2},
    3000: {"concurrently": 3, "one by one": 1},
}
_QUICK_RUNS = {10: {"concurrently": 2, "one by one": 2}, 100: {"concurrently": 2, "one by one": 1}}
# "BatchWriteItem", Amazon DynamoDB API Reference.
_BATCH = 25
# moto takes any credentials.
_CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}  # nosec B105


@dataclass(frozen=True)
class Measurement:
    """One way of posting to a number of connections.

    Attributes
    ----------
    calls
        The AWS calls of one broadcast.
    """

    connections: int
    way: str
    time: Figure
    floor: Figure
    calls: dict[str, int]

    @classmethod
    def of(cls, data: dict[str, Any]) -> Measurement:
        """Return the measurement that a report has kept."""
        return cls(**data | {"time": Figure(**data["time"]), "floor": Figure(**data["floor"])})

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of this measurement's row."""
        calls = ", ".join(f"{count:,} {operation}" for operation, count in sorted(self.calls.items()))
        ratio = self.time.ratio_to(self.floor)
        return f"{self.connections:,}", self.way, self.time.text, self.time.spread, self.floor.text, ratio, calls


def add_to(benchmarks: Any) -> None:
    """Add this benchmark to the command line."""
    summary = "a message to a room of many connections, concurrently and one by one"
    parser = benchmarks.add_parser("broadcast", help=summary, description=__doc__)
    parser.add_argument("--connections", type=int, help="one size of the room only (default: 10 to 3,000)")
    parser.add_argument("--delay-ms", type=float, default=10, help="how long a post takes on AWS (default: 10)")


def measure(arguments: argparse.Namespace) -> Section:
    """Broadcast to rooms of several sizes."""
    runs = _QUICK_RUNS if arguments.quick else _RUNS
    if arguments.connections:
        runs = {arguments.connections: {"concurrently": 3, "one by one": 1}}
    measurements = []
    with gateway(arguments.delay_ms) as url:
        for connections, by_way in runs.items():
            with step(f"broadcast to {connections:,} connections") as current, _room(connections) as dynamodb:
                for way, times in by_way.items():
                    current.progress(way)
                    measurements.append(_measured(connections, way, dynamodb, url, times))
    return section({"delay_ms": arguments.delay_ms, "measurements": [asdict(one) for one in measurements]})


def section(data: Any) -> Section:
    """Make the report's section."""
    measurements = [Measurement.of(one) for one in data["measurements"]]
    ways = {
        way: [(one.connections, one.time.median) for one in measurements if one.way == way]
        for way in dict.fromkeys(one.way for one in measurements)
    }
    floor = [(one.connections, one.floor.median) for one in measurements if one.way == "concurrently"]
    return Section(
        title="Broadcast",
        about=(
            f"One message to everybody in a room, from the query for its members to the last post, "
            f"{MAX_POSTS_AT_ONCE} at once (as the chat does it) and one by one. The floor is the same number of posts "
            f"by boto3's client alone, as many at once, in turn with ours. Assumed: a post takes AWS "
            f"{data['delay_ms']:g} ms; it is answered by a server on this machine after that time. Not measured: the "
            "network, and Lambda's share of a processor (posting concurrently, a processor is what it waits for). "
            "DynamoDB is moto in the same process, which takes longer the larger the room is, and more than AWS would."
        ),
        head=("connections", "posts", "time", "spread", "floor", "ratio", "calls of one broadcast"),
        rows=[one.row for one in measurements],
        chart=lines(
            "Seconds until everybody in the room has the message",
            ("connections", "seconds"),
            {**ways, "floor of concurrent posts": floor},
        ),
        name="broadcast",
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
    """Broadcast, as the chat does it.

    Raises
    ------
    AssertionError
        A post was not delivered: then there is nothing to compare.
    """
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
    """Yield a DynamoDB client whose chat table has a room of so many connections."""
    with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        dynamodb = boto3.client("dynamodb", **_CREDENTIALS)  # type: ignore[call-overload]
        keys = (("pk", "HASH"), ("sk", "RANGE"))
        dynamodb.create_table(
            TableName=_TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        )
        _fill(dynamodb, size)
        yield dynamodb


def _fill(dynamodb: Any, size: int) -> None:
    """Write the rows that joining makes, without its transactions: moto copies the whole table for each."""
    expires = {"N": str(int((clock.now() + timedelta(hours=2)).timestamp()))}
    rows = [
        {"pk": {"S": f"room#{_ROOM}"}, "sk": {"S": f"member#connection-{number}"}, "expiresAt": expires}
        for number in range(size)
    ]
    for start in range(0, size, _BATCH):
        requests = [{"PutRequest": {"Item": row}} for row in rows[start : start + _BATCH]]
        dynamodb.batch_write_item(RequestItems={_TABLE: requests})
