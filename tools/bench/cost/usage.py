"""What the shop uses of AWS for an order, a message and a month, by the names of the prices."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storefront.chat.connection import MAX_POSTS_AT_ONCE
from tools.bench.cost import assumptions as assumed

FAN_OUT = 10
_POST = "apigatewaymanagementapi:"
# A function that posts was measured in a room of one: a post to that one, and the answer.
_POSTS_IN_OWN_TIME = 2

Usage = Mapping[str, float]


@dataclass(frozen=True)
class Durations:
    """How long functions take on AWS, as far as that can be said from here.

    Attributes
    ----------
    own, init
        By function: its own time when warm, and its initialisation, both in ms on this machine.
    memory
        By function, in MB.
    post
        The time that each post of many takes on this machine, in ms.
    """

    own: Mapping[str, float]
    init: Mapping[str, float]
    memory: Mapping[str, int]
    post: float

    def warm(self, function: str, calls: Mapping[str, int]) -> int:
        """Return the billed milliseconds of an invocation with these calls."""
        share = min(1, self.memory[function] / assumed.MEMORY_OF_A_PROCESSOR)
        posts = sum(count for call, count in calls.items() if call.startswith(_POST))
        others = sum(count * _wait(call) for call, count in calls.items() if not call.startswith(_POST))
        rounds = math.ceil(posts / MAX_POSTS_AT_ONCE) * _wait(_POST)
        posting = max(rounds, max(0, posts - _POSTS_IN_OWN_TIME) * self.post / share)
        return math.ceil(self.own[function] / share + others + posting)

    def gigabyte_seconds(self, function: str, calls: Mapping[str, int]) -> float:
        """Return what an invocation is billed; of some, the initialisation too, which has a processor to itself."""
        milliseconds = self.warm(function, calls) + assumed.COLD_SHARE * self.init[function]
        return self.memory[function] / 1024 * milliseconds / 1000


@dataclass(frozen=True)
class Business:
    """The shop, by what it was counted to use.

    Attributes
    ----------
    counted
        The steps of an order, a message, a connection, a reconciliation.
    resources
        What production has and pays for by the month.
    """

    counted: Mapping[str, list[dict[str, Any]]]
    durations: Durations
    resources: Mapping[str, int]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Business:
        """Return the business that a report has counted and measured."""
        durations = Durations(data["own"], data["init"], data["memory"], data["post"])
        return cls(data["counted"], durations, data["resources"])

    def steps(self, name: str) -> Usage:
        """Return what the steps of something use: an order's, until its customer is told of the outcome."""
        return _added(*map(self._of_step, self.counted[name]))

    def message(self, fan_out: int) -> Usage:
        """Return what a chat message uses, with its share of the connections that it goes to."""
        minutes = fan_out * assumed.MINUTES_BETWEEN_MESSAGES
        connections = _times(self.steps("connection"), minutes / assumed.MINUTES_CONNECTED)
        return _added(self.steps(f"message to {fan_out}"), connections, {"connection-minutes": minutes})

    @property
    def fixed(self) -> Usage:
        """What a month takes besides; the custom metrics only where there is traffic."""
        runs = assumed.MONTH_MINUTES / assumed.RECONCILER_MINUTES
        empty = len(assumed.QUEUES) * assumed.POLLERS * assumed.MONTH_MINUTES * 60 / assumed.POLL_SECONDS
        standing = {"sqs-requests": empty, "secret-calls": assumed.MONTH_MINUTES}
        return _added(self.resources, standing, _times(self.steps("reconciliation"), runs))

    def month(
        self, orders: float = 0, messages: float = 0, *, fan_out: int = FAN_OUT, with_fixed: bool = False
    ) -> Usage:
        """Return what a month takes; its orders and messages share the traces of each second."""
        parts = _times(self.steps("order"), orders), _times(self.message(fan_out), messages)
        usage = _added(*parts, self.fixed if with_fixed else {})
        return {**usage, "traces": traced(usage["traces"])}

    def _of_step(self, one: Mapping[str, Any]) -> Usage:
        trigger, calls = one["trigger"], one["calls"]
        through_gateway = trigger in {"rest", "frame", "connection"}
        logged = one["log_bytes"] + assumed.PLATFORM_LOG_BYTES + through_gateway * assumed.ACCESS_LOG_BYTES
        sends = sum(count for call, count in calls.items() if call.startswith("sqs:"))
        return {
            "lambda-requests": 1,
            "lambda-gb-seconds": self.durations.gigabyte_seconds(one["function"], calls),
            "rest-requests": trigger == "rest",
            "websocket-messages": one["posted"] + (trigger == "frame"),
            "write-units": one["write_units"],
            "read-units": one["read_units"],
            # A poller receives and deletes; what a rule puts into a queue is sent by EventBridge, and billed to us.
            "sqs-requests": sends + {"queue": 2, "bus": 3}.get(trigger, 0),
            "events": one["events"],
            "log-gb": logged / 2**30,
            # Of an authorizer too: the one that is counted is the chat's, and X-Ray knows REST APIs only, so that no
            # request's trace is there for it to be part of (template.yaml: TracingPolicy).
            "traces": 1,
        }


def traced(starts: float) -> float:
    """Return how many of a month's requests are traced, if they come evenly."""
    first = min(starts, assumed.TRACED_A_SECOND * assumed.MONTH_MINUTES * 60)
    return first + assumed.TRACED_SHARE * (starts - first)


def _added(*usages: Usage) -> Usage:
    total: defaultdict[str, float] = defaultdict(float)
    for usage in usages:
        for name, quantity in usage.items():
            total[name] += quantity
    return total


def _times(usage: Usage, factor: float) -> Usage:
    return {name: quantity * factor for name, quantity in usage.items()}


def _wait(call: str) -> float:
    return assumed.WAITS.get(call) or assumed.WAITS[call.partition(":")[0]]
