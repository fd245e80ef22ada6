"""The shop's use of AWS for an order, a message and a month, by the names of the prices."""

from __future__ import annotations

import math
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storefront.chat.connection import MAX_POSTS_AT_ONCE

ASSUMED = tomllib.loads(Path(__file__).with_name("assumptions.toml").read_text())
FAN_OUT = 10
_MONTH_MINUTES = 365 / 12 * 24 * 60
_POST = "apigatewaymanagementapi:"
# A function that posts was measured in a room of one: a post to that one, and the answer.
_POSTS_IN_OWN_TIME = 2

Usage = Mapping[str, float]


@dataclass(frozen=True)
class Durations:
    """How long functions take on AWS, as far as that can be said from here; all times are in milliseconds.

    By function: ``own`` time when warm and initialisation (``init``) on this machine, and megabytes. Each of many posts
    takes ``post``.
    """

    own: Mapping[str, float]
    init: Mapping[str, float]
    memory: Mapping[str, int]
    post: float

    def warm(self, function: str, calls: Mapping[str, int]) -> int:
        """Return what is billed of an invocation with these calls."""
        share = min(1, self.memory[function] / ASSUMED["megabytes_of_a_processor"])
        posts = sum(count for call, count in calls.items() if call.startswith(_POST))
        others = sum(count * _wait(call) for call, count in calls.items() if not call.startswith(_POST))
        rounds = math.ceil(posts / MAX_POSTS_AT_ONCE) * _wait(_POST)
        posting = max(rounds, max(0, posts - _POSTS_IN_OWN_TIME) * self.post / share)
        billed: int = math.ceil(self.own[function] / share + others + posting)
        return billed

    def gigabyte_seconds(self, function: str, calls: Mapping[str, int]) -> float:
        """Return what an invocation is billed; of some, the initialisation too, which has a processor to itself."""
        milliseconds = self.warm(function, calls) + ASSUMED["cold_share"] * self.init[function]
        return float(self.memory[function] / 1024 * milliseconds / 1000)


@dataclass(frozen=True)
class Business:
    """The shop: the steps it was counted to make, by what for, and what production pays for by the month."""

    counted: Mapping[str, list[dict[str, Any]]]
    durations: Durations
    resources: Mapping[str, int]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Business:
        """Return the business that a report has counted and measured."""
        durations = Durations(data["own"], data["init"], data["memory"], data["post"])
        return cls(data["counted"], durations, data["resources"])

    def steps(self, name: str) -> Usage:
        """Return what the steps of something use; those of an order end when its customer is told the outcome."""
        return _added(*map(self._of_step, self.counted[name]))

    def message(self, fan_out: int) -> Usage:
        """Return what a chat message uses, with its share of the connections that it goes to."""
        minutes = fan_out * ASSUMED["minutes_between_messages"]
        connections = _times(self.steps("connection"), minutes / ASSUMED["minutes_connected"])
        return _added(self.steps(f"message to {fan_out}"), connections, {"connection-minutes": minutes})

    @property
    def fixed(self) -> Usage:
        """The monthly use besides; its custom metrics are sent only where there is traffic."""
        polls = ASSUMED["queues"] * ASSUMED["pollers"] * _MONTH_MINUTES * 60 / ASSUMED["poll_seconds"]
        reconciliations = _times(self.steps("reconciliation"), _MONTH_MINUTES / ASSUMED["reconciler_minutes"])
        return _added(self.resources, {"sqs-requests": polls, "secret-calls": _MONTH_MINUTES}, reconciliations)

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
        logged = one["log_bytes"] + ASSUMED["platform_log_bytes"] + through_gateway * ASSUMED["access_log_bytes"]
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
            # An authorizer has a trace too: the one that is counted is the chat's, and X-Ray knows REST APIs only, so
            # that it belongs to no request's trace (template.yaml: TracingPolicy).
            "traces": 1,
        }


def traced(starts: float) -> float:
    """Return how many of a month's requests are traced, if they come evenly."""
    first = min(starts, ASSUMED["traced_a_second"] * _MONTH_MINUTES * 60)
    return float(first + ASSUMED["traced_share"] * (starts - first))


def _added(*usages: Usage) -> Usage:
    total: defaultdict[str, float] = defaultdict(float)
    for usage in usages:
        for name, quantity in usage.items():
            total[name] += quantity
    return total


def _times(usage: Usage, factor: float) -> Usage:
    return {name: quantity * factor for name, quantity in usage.items()}


def _wait(call: str) -> float:
    waits = ASSUMED["waits"]
    return float(waits.get(call) or waits[call.partition(":")[0]])
