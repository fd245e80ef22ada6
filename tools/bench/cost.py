"""What a million orders and a million chat messages cost on AWS, split by service, and how that grows.

What AWS charges for is counted while the functions' own handlers run (``counting.py``); how long they take is what the
benchmarks ``warm`` and ``cold`` have measured, and for a room of many what ``broadcast`` has; the prices are in
``prices.toml``. What AWS adds in time is assumed, here and in the report.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from storefront.chat.connection import MAX_POSTS_AT_ONCE
from tools.bench.pictures import lines, stacked
from tools.bench.prices import Prices
from tools.bench.report import Section, short
from tools.console import Problem, step
from tools.stack.samconfig import environment
from tools.stack.stack import ROOT

FAN_OUT = 10
_FAN_OUTS = (1, 10, 100, 1000)
_VOLUMES = (1_000, 100_000, 1_000_000, 10_000_000)
_MILLION = 1_000_000
_CENT = 0.01
_QUEUES = ("orders", "partner orders", "chat status")

# In milliseconds, what an answer takes on AWS, network and service together.
_WAITS = {
    "dynamodb": 5.0,
    "dynamodb:TransactWriteItems": 12.0,
    "sqs": 8.0,
    "eventbridge": 15.0,
    "apigatewaymanagementapi": 10.0,
    "payments": 150.0,
}
_COLD_SHARE = 0.01
# "Configure Lambda function memory", AWS Lambda Developer Guide: with so much a function has one processor.
_MEMORY_OF_A_PROCESSOR = 1769
# Lambda's own lines (START, END, REPORT) of an invocation, and a line of a gateway's access log.
_PLATFORM_LOG_BYTES = 450
_ACCESS_LOG_BYTES = 700
# A function that posts was measured in a room of one: a post to that one, and the answer.
_POSTS_IN_OWN_TIME = 2
# A chat message a minute in each room; who is in it stays for half an hour.
_MINUTES_BETWEEN_MESSAGES = 1
_MINUTES_CONNECTED = 30

_MONTH_MINUTES = 365 / 12 * 24 * 60
# "Configuring scaling behavior for SQS event source mappings", AWS Lambda Developer Guide: with a maximum concurrency
# there are no fewer than five pollers; each waits up to 20 seconds for a message.
_POLLERS, _POLL_SECONDS = 5, 20
_RECONCILER_MINUTES = 5
# X-Ray's default rule: the first request of each second, and 5 % of the others ("AWS X-Ray pricing strategy").
_TRACED_A_SECOND, _TRACED_SHARE = 1, 0.05
# "Amazon API Gateway dimensions and metrics": of each method or route, where detailed metrics are on.
_DETAILED_METRICS = 5
_METHODS = {"get", "put", "post", "delete"}

# By the names of the prices; what is not used at all is 0.
Usage = defaultdict[str, float]


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
        What a post of many takes on this machine, in ms.
    """

    own: Mapping[str, float]
    init: Mapping[str, float]
    memory: Mapping[str, int]
    post: float

    def warm(self, function: str, calls: Mapping[str, int]) -> int:
        """Return the billed milliseconds of an invocation with these calls."""
        share = min(1, self.memory[function] / _MEMORY_OF_A_PROCESSOR)
        posts = sum(count for call, count in calls.items() if call.startswith("apigatewaymanagementapi:"))
        others = sum(count * _wait(call) for call, count in calls.items()) - posts * _wait("apigatewaymanagementapi:")
        rounds = math.ceil(posts / MAX_POSTS_AT_ONCE) * _wait("apigatewaymanagementapi:")
        posting = max(rounds, max(0, posts - _POSTS_IN_OWN_TIME) * self.post / share)
        return math.ceil(self.own[function] / share + others + posting)

    def gigabyte_seconds(self, function: str, calls: Mapping[str, int]) -> float:
        """Return what an invocation is billed; of some, the initialisation too, which has a processor to itself."""
        milliseconds = self.warm(function, calls) + _COLD_SHARE * self.init[function]
        return self.memory[function] / 1024 * milliseconds / 1000


@dataclass(frozen=True)
class Business:
    """What the shop uses for what it does."""

    counted: Mapping[str, list[dict[str, Any]]]
    durations: Durations
    resources: Mapping[str, int]

    @property
    def order(self) -> Usage:
        """What an order uses, from its acceptance until its customer is told of the outcome."""
        return self._of("order")

    def message(self, fan_out: int) -> Usage:
        """What a chat message to so many uses, with its share of the connections that it takes."""
        minutes = fan_out * _MINUTES_BETWEEN_MESSAGES
        connections = _times(self.connection, minutes / _MINUTES_CONNECTED)
        return _added(self._of(f"message to {fan_out}"), connections, {"connection-minutes": minutes})

    @property
    def connection(self) -> Usage:
        """What somebody uses who connects, joins a room and goes."""
        return self._of("connection")

    @property
    def fixed(self) -> Usage:
        """What a month takes besides, however many come; the custom metrics only where somebody does."""
        runs = _MONTH_MINUTES / _RECONCILER_MINUTES
        empty = len(_QUEUES) * _POLLERS * _MONTH_MINUTES * 60 / _POLL_SECONDS
        standing = {"sqs-requests": empty, "secret-calls": _MONTH_MINUTES}
        return _added(self.resources, standing, _times(self._of("reconciliation"), runs))

    def month(
        self, orders: float = 0, messages: float = 0, *, fan_out: int = FAN_OUT, with_fixed: bool = False
    ) -> Usage:
        """What a month of so many takes; they share the traces of each second."""
        usage = _added(
            _times(self.order, orders), _times(self.message(fan_out), messages), self.fixed if with_fixed else {}
        )
        return usage | {"traces": traced(usage["traces"])}

    def _of(self, name: str) -> Usage:
        return _added(*map(self._of_step, self.counted[name]))

    def _of_step(self, one: Mapping[str, Any]) -> Mapping[str, float]:
        trigger, calls = one["trigger"], one["calls"]
        through_gateway = trigger in {"rest", "frame", "connection"}
        logged = one["log_bytes"] + _PLATFORM_LOG_BYTES + through_gateway * _ACCESS_LOG_BYTES
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


def add_to(benchmarks: Any) -> None:
    """Add this benchmark to the command line."""
    summary = "what orders and chat messages cost on AWS; needs what warm, cold and broadcast have measured"
    benchmarks.add_parser("cost", help=summary, description=__doc__)


def measure(arguments: argparse.Namespace) -> Section:
    """Count, and take the durations from what was measured before.

    Raises
    ------
    Problem
        If they were not.
    """
    missing = [name for name in ("cold", "warm", "broadcast") if name not in arguments.measured]
    if missing:
        raise Problem(f"the cost needs what {', '.join(missing)} has to measure: run that with --keep before, or all")
    with step("count what AWS charges for"):
        counted = _counted()
    largest = max(
        (one for one in arguments.measured["broadcast"]["measurements"] if one["way"] == "concurrently"),
        key=lambda one: int(one["connections"]),
    )
    warm, cold = (arguments.measured[name]["functions"] for name in ("warm", "cold"))
    return section(
        {
            "counted": counted,
            "own": {_logical_id(one["name"]): one["own"]["median"] for one in warm},
            "init": {_logical_id(one["name"]): one["shipped"]["init"]["median"] for one in cold},
            "post": largest["time"]["median"] * 1000 / largest["connections"],
            **_template(),
        }
    )


def section(data: Any) -> Section:
    """Make the report's section; the prices are those of the table, whenever it is made."""
    prices = Prices.load()
    business = business_of(data)
    per_million = {
        "orders": business.month(orders=_MILLION),
        f"chat messages to {FAN_OUT}": business.month(messages=_MILLION),
    }
    split = {what: prices.by_service(usage) for what, usage in per_million.items()}
    totals = {what: sum(costs.values()) for what, costs in split.items()}
    services = [name for name in next(iter(split.values())) if any(costs[name] for costs in split.values())]
    return Section(
        title="Cost",
        about=_about(prices, data),
        head=("service", *[cell for what in split for cell in (f"a million {what}", "share")]),
        rows=[
            (name, *[cell for what in split for cell in _with_share(split[what][name], totals[what])])
            for name in services
        ]
        + [
            ("**all**", *[cell for what in split for cell in (f"**{dollars(totals[what])}**", "")]),
            ("all but X-Ray", *[cell for what in split for cell in (_untraced(split[what]), "")]),
        ],
        chart=stacked(
            "Dollars for a million",
            [(what, {name: costs[name] for name in services}) for what, costs in split.items()],
            "${}",
        ),
        name="cost",
        data=data,
        more=(
            _by_volume(business, prices),
            _by_fan_out(business, prices),
            _fixed(business, prices),
            _quantities(business, prices),
            _billed(business),
        ),
    )


def business_of(data: Mapping[str, Any]) -> Business:
    """Return the business that a report has counted and measured."""
    durations = Durations(data["own"], data["init"], data["memory"], data["post"])
    return Business(data["counted"], durations, data["resources"])


def traced(starts: float) -> float:
    """Return how many of a month's requests are traced, if they come evenly."""
    first = min(starts, _TRACED_A_SECOND * _MONTH_MINUTES * 60)
    return first + _TRACED_SHARE * (starts - first)


def dollars(amount: float) -> str:
    """Return an amount in dollars and cents; below a cent, with two digits that count."""
    if amount == 0 or amount >= _CENT:
        return f"${amount:,.2f}"
    return f"${amount:.{1 - math.floor(math.log10(amount))}f}"


def _untraced(costs: Mapping[str, float]) -> str:
    return dollars(sum(amount for service, amount in costs.items() if service != "X-Ray"))


def _about(prices: Prices, data: Mapping[str, Any]) -> str:
    waits = ", ".join(f"{milliseconds:g} ms for {what}" for what, milliseconds in _WAITS.items())
    return (
        f"At list prices of {prices.region}, looked up on {prices.looked_up.isoformat()} (`prices.toml`, each with the "
        "title of its page; those marked (?) were found on none), without free tiers. "
        "A million comes evenly over one month. Columns do not add up: each has X-Ray's first trace of every second to "
        "itself, which orders and messages share in a month that has both. Counted: calls, request units by "
        "the sizes of the real items, messages, events and log lines, while the functions' own handlers place an order "
        "of two products, process it, publish its events and tell its customer, who has one chat open; and send a "
        "message to a room. Measured: each function's own time when warm, its initialisation, and "
        f"{data['post']:.2f} ms for each post of many (the sections before). Assumed: an answer takes {waits}; a "
        f"function of 512 MB has 512/{_MEMORY_OF_A_PROCESSOR} of a processor that is as fast as this one; one "
        f"invocation in {1 / _COLD_SHARE:.0f} is a cold start, whose initialisation is billed as well (since August "
        "2025); every message, event and change comes alone, which is the dearest (a busy queue fills batches); "
        f"{_PLATFORM_LOG_BYTES} bytes of Lambda's log lines for each invocation and {_ACCESS_LOG_BYTES} of access log "
        f"for each request and frame; a message in each room every {_MINUTES_BETWEEN_MESSAGES} minute, connections "
        f"that last {_MINUTES_CONNECTED} minutes, the ticket, the handshake and joining included; requests that come "
        "evenly, traced by X-Ray's default rule (one a second for all, then 5 %), each queue message and change a "
        "trace of its own, and each invocation by the chat's gateway too, its authorizer's among them; index writes "
        "of a transaction count once. Not included: Cognito (by its monthly active users), data transfer, storage, "
        "backups, KMS, notifications, the payment provider, releases. KMS charges for requests for the tables' key, "
        "which AWS manages and the account pays for; DynamoDB keeps table keys for a while, so that a small amount is "
        "missing here. Lambda reads streams and queues for nothing, but SQS bills its requests."
    )


def _by_volume(business: Business, prices: Prices) -> Section:
    costs = {
        volume: (
            prices.total(business.month(orders=volume)),
            prices.total(business.month(messages=volume)),
            prices.total(business.month(orders=volume, messages=volume, with_fixed=True)),
        )
        for volume in _VOLUMES
    }
    columns = ("orders", "messages", "both, with what is fixed")
    return Section(
        title="Cost by volume",
        about=(
            f"So many orders, and so many messages to {FAN_OUT}, in a month; *fixed* is the section on that "
            "below. What orders and messages cost is proportional but for the traces, of which the first each second "
            "are the dearest. Assumed: as above; the load comes evenly."
        ),
        head=("a month", *columns, "of an order and a message"),
        rows=[(f"{volume:,}", *map(dollars, three), dollars(three[2] / volume)) for volume, three in costs.items()],
        chart=lines(
            "Dollars a month",
            ("orders, messages or both a month", "dollars"),
            {name: [(volume, three[number]) for volume, three in costs.items()] for number, name in enumerate(columns)},
        ),
        name="cost-by-volume",
        data=None,
    )


def _by_fan_out(business: Business, prices: Prices) -> Section:
    split = {fan_out: prices.by_service(business.month(messages=_MILLION, fan_out=fan_out)) for fan_out in _FAN_OUTS}
    totals = {fan_out: sum(costs.values()) for fan_out, costs in split.items()}
    shown = ("API Gateway", "Lambda", "DynamoDB")
    return Section(
        title="Cost by fan-out",
        about=(
            "A million messages to rooms of so many, the sender among them. Assumed: as above; so the connections, "
            "their minutes and their opening, grow with the room as well."
        ),
        head=("in the room", *shown, "others", "all", "a message to one"),
        rows=[
            (
                f"{fan_out:,}",
                *[dollars(costs[name]) for name in shown],
                dollars(totals[fan_out] - sum(costs[name] for name in shown)),
                dollars(totals[fan_out]),
                dollars(totals[fan_out] / _MILLION / fan_out),
            )
            for fan_out, costs in split.items()
        ],
        chart=lines(
            "Dollars for a million messages",
            ("connections in the room", "dollars"),
            {name: [(float(fan_out), costs[name]) for fan_out, costs in split.items()] for name in shown}
            | {"all": [(float(fan_out), total) for fan_out, total in totals.items()]},
        ),
        name="cost-by-fan-out",
        data=None,
    )


def _fixed(business: Business, prices: Prices) -> Section:
    fixed = business.month(with_fixed=True)
    standing = {name: quantity for name, quantity in fixed.items() if name != "metrics"}
    return Section(
        title="Fixed cost of a month, once there is traffic",
        about=(
            "Production as samconfig.toml has it: its alarms (by the metrics that they watch), those that take back a "
            f"release among them; metrics, dashboard, secrets; the pollers of {len(_QUEUES)} queues, which ask "
            f"{_POLLERS} at once every {_POLL_SECONDS} seconds; and the reconciler, every {_RECONCILER_MINUTES} "
            "minutes. In a month in which nobody comes no custom metric is sent, and the others remain. Assumed: every "
            "metric is sent in every hour, detailed metrics are "
            f"{_DETAILED_METRICS} of each method and route and priced as custom ones, and one process reads its secret "
            "again each minute."
        ),
        head=("what", "quantity", "price", "a month"),
        rows=[
            (price.service, short(fixed[name]), price.text, dollars(price.of(fixed[name])))
            for name, price in prices.of.items()
            if fixed.get(name)
        ]
        + [
            ("**all**", "", "", f"**{dollars(prices.total(fixed))}**"),
            ("what remains when nobody comes", "", "", dollars(prices.total(standing))),
        ],
        chart=None,
        name="cost-fixed",
        data=None,
    )


def _quantities(business: Business, prices: Prices) -> Section:
    columns = {"orders": business.month(orders=_MILLION), f"messages to {FAN_OUT}": business.month(messages=_MILLION)}
    return Section(
        title="What is counted, and its price",
        about="What there is of each priced thing; (?) marks a price that no page was found for. Assumed: as above.",
        head=("service", "price", *[f"a million {what}" for what in columns], "source of the price"),
        rows=[
            (price.service, price.text, *[short(usage.get(name, 0)) for usage in columns.values()], price.source)
            for name, price in prices.of.items()
        ],
        chart=None,
        name="cost-quantities",
        data=None,
    )


def _billed(business: Business) -> Section:
    """Every invocation that is in the cost, with its duration."""
    names = ("order", f"message to {FAN_OUT}", "connection", "reconciliation")
    durations = business.durations
    return Section(
        title="What an invocation is billed",
        about=(
            "*own* is measured on this machine's processor, and *billed* is what that makes on AWS, priced as arm64; "
            "*GB-s* has the share of a cold start too. Assumed: as above; an arm64 processor is as fast as this one."
        ),
        head=("for", "function", "own", "memory", "billed", "GB-s", "AWS calls"),
        rows=[
            (
                name,
                one["function"].removesuffix("Function"),
                f"{short(durations.own[one['function']])} ms",
                f"{durations.memory[one['function']]:,} MB",
                f"{durations.warm(one['function'], one['calls'])} ms",
                f"{durations.gigabyte_seconds(one['function'], one['calls']):.4f}",
                ", ".join(f"{count} {call.partition(':')[2]}" for call, count in one["calls"].items()),
            )
            for name in names
            for one in business.counted[name]
        ],
        chart=None,
        name="cost-billed",
        data=None,
    )


def _with_share(cost: float, total: float) -> tuple[str, str]:
    return dollars(cost), f"{cost / total:.0%}"


def _added(*usages: Mapping[str, float]) -> Usage:
    total: Usage = defaultdict(float)
    for usage in usages:
        for name, quantity in usage.items():
            total[name] += quantity
    return total


def _times(usage: Mapping[str, float], factor: float) -> Mapping[str, float]:
    return {name: quantity * factor for name, quantity in usage.items()}


def _wait(call: str) -> float:
    return _WAITS.get(call) or _WAITS[call.partition(":")[0]]


def _counted(fan_outs: Iterable[int] = _FAN_OUTS) -> dict[str, Any]:
    """Run the count in a process of its own.

    Raises
    ------
    Problem
        If it fails.
    """
    with tempfile.TemporaryFile("w+") as result:
        command = [sys.executable, "-m", "tools.bench.counting", str(result.fileno()), *map(str, fan_outs)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
            pass_fds=(result.fileno(),),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Problem(f"counting fails: {done.stderr.strip().splitlines()[-1]}")
        result.seek(0)
        counted: dict[str, Any] = json.load(result)
        return counted


def _template() -> dict[str, Any]:
    """Return what production has, by the names of the prices, and each function's memory.

    Imported here: what it takes to read the template is slow, and of the tests.
    """
    from tools.testing.deployment import Deployment  # noqa: PLC0415
    from tools.testing.metrics_in_code import metrics_in_code  # noqa: PLC0415
    from tools.testing.template import openapi  # noqa: PLC0415

    # It tells of features that it has not, each time.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    of_kind: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    prod = Deployment(**environment("prod").overrides)
    for name, one in (prod.resources | prod.nested.resources).items():
        of_kind[one["Type"]][name] = one.get("Properties", {})
    methods = sum(len(path.keys() & _METHODS) for path in openapi()["paths"].values())
    routes = len(of_kind["AWS::ApiGatewayV2::Route"])
    return {
        "memory": {name: one["MemorySize"] for name, one in of_kind["AWS::Lambda::Function"].items()},
        "resources": {
            "alarms": sum(map(_watched_metrics, of_kind["AWS::CloudWatch::Alarm"].values())),
            "dashboards": len(of_kind["AWS::CloudWatch::Dashboard"]),
            "metrics": len(metrics_in_code()) + _DETAILED_METRICS * (methods + routes),
            # And the payment provider's, which is not the template's.
            "secrets": len(of_kind["AWS::SecretsManager::Secret"]) + 1,
        },
    }


def _watched_metrics(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics an alarm watches; it watches one, or calculates with several."""
    return sum("MetricStat" in one for one in alarm.get("Metrics", ())) or 1


def _logical_id(name: str) -> str:
    """Return a function's name in the template."""
    return "".join(word.title() for word in name.split("-")) + "Function"
