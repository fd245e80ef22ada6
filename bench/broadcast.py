"""A message to a room of a thousand connections: posted concurrently, as the chat does it, against one by one.

What runs is the chat's own code, from the query for the room's members to the last post. DynamoDB is moto, in this
process and without a network; ``@connections`` is a server in a process of its own, which answers each post after a
fixed delay. That delay stands for what AWS takes; 10 ms is an assumption, not a measurement.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from moto import mock_aws

from bench.gateway import gateway
from local.console import say, styled
from storefront.chat import broadcast as fan_out
from storefront.chat import frame
from storefront.chat.connection import MAX_POSTS_AT_ONCE
from storefront.chat.connections import POST_LIMITS, Connections
from storefront.chat.message import Message, new_message_id
from storefront.chat.store import ChatStore
from storefront.shared import clock

_ROOM = "support"
_TABLE = "ChatTable"
# "BatchWriteItem", Amazon DynamoDB API Reference.
_BATCH = 25
# moto takes any credentials.
_CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}  # nosec B105


@dataclass(frozen=True)
class Measurement:
    """One way of posting: how long it took each time, and the calls of one broadcast."""

    way: str
    seconds: list[float]
    calls: Counter[str]

    def as_row(self) -> tuple[str, ...]:
        """Return the cells of this measurement's row."""
        times = sorted(self.seconds)
        calls = ", ".join(f"{count:,} {operation}" for operation, count in sorted(self.calls.items()))
        return self.way, f"{statistics.median(times):.2f} s", f"{times[0]:.2f} to {times[-1]:.2f} s", calls


def add_to(benchmarks: Any) -> None:
    """Add this benchmark to the command line."""
    summary = "a message to a room of many connections, concurrently and one by one"
    parser = benchmarks.add_parser("broadcast", help=summary, description=__doc__)
    parser.set_defaults(run=run)
    parser.add_argument("--connections", type=int, default=1000, help="connections in the room (default: 1000)")
    parser.add_argument("--delay-ms", type=float, default=10, help="how long a post takes on AWS (default: 10)")
    parser.add_argument("--runs", type=int, default=3, help="broadcasts measured, each way (default: 3)")


def run(arguments: argparse.Namespace) -> None:
    """Measure both ways and print a table."""
    say(styled(f"A broadcast to {arguments.connections:,} connections", "bold"))
    say(
        f"assumed: a post takes AWS {arguments.delay_ms:g} ms; not measured: the network, Lambda's share of a processor"
    )
    say("DynamoDB: moto, in this process\n")
    with gateway(arguments.delay_ms) as url, _room(arguments.connections) as dynamodb:
        rows = [
            measure(way, at_once, dynamodb, url, arguments.runs).as_row()
            for way, at_once in ((f"{MAX_POSTS_AT_ONCE} at once", MAX_POSTS_AT_ONCE), ("one by one", 1))
        ]
    head = ("posts", "median", f"fastest to slowest of {arguments.runs}", "calls of one broadcast")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def measure(way: str, at_once: int, dynamodb: Any, url: str, runs: int) -> Measurement:
    """Broadcast several times and return what it took.

    Raises
    ------
    AssertionError
        A post was not delivered: then there is nothing to compare.
    """
    limits = POST_LIMITS.merge(Config(max_pool_connections=at_once))
    posts: Any = boto3.client("apigatewaymanagementapi", endpoint_url=url, config=limits, **_CREDENTIALS)  # type: ignore[call-overload]
    calls: Counter[str] = Counter()
    for client in (dynamodb, posts):
        # A request is made for each attempt, so that retries count as well.
        client.meta.events.register("request-created", lambda operation_name, **_: calls.update([operation_name]))
    seconds = []
    # The first one opens the connections to the server, and is not counted.
    for number in range(runs + 1):
        calls.clear()
        started = time.perf_counter()
        with mock.patch.object(fan_out, "MAX_POSTS_AT_ONCE", at_once):
            _broadcast(ChatStore(dynamodb, _TABLE), Connections(posts))
        if number:
            seconds.append(time.perf_counter() - started)
    return Measurement(way, seconds, calls)


def _broadcast(chat: ChatStore, connections: Connections) -> None:
    now = clock.now()
    message = Message(new_message_id(now), _ROOM, "a-customer", "A customer", "customer", "Hello!", now, "one")
    outcomes = fan_out.broadcast(
        frame.message_in_room(message), chat.members(_ROOM, now), connections, chat.close, lambda: True
    )
    if outcomes.keys() != {fan_out.Outcome.DELIVERED}:
        raise AssertionError(f"not everybody got it: {dict(outcomes)}")


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
