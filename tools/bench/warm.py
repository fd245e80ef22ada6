"""Warm functions: how long a handler takes, how much of that is its own, and which AWS calls it makes.

Each function runs in a process of its own, from the package and in the environment that the cold starts have, and gets
many events that go its good way. Its first invocation reads the configuration (parameters, secrets), and is told apart.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tools.bench import shop
from tools.bench.good_events import HOOKS, check_went_well
from tools.bench.pictures import bars
from tools.bench.report import Figure, Section
from tools.bench.shop import Shop
from tools.bench.workers import Handled
from tools.console import Problem, step

_INVOCATIONS = 30
_QUICK_INVOCATIONS = 3
# Read at first use and kept for a minute (storefront.shared.configuration).
CONFIGURATION = frozenset({"ssm:GetParameter", "secrets-manager:GetSecretValue"})

Calls = dict[str, int]


@dataclass(frozen=True)
class Function:
    """What was measured of a function.

    Attributes
    ----------
    time
        How long the handler takes.
    own
        The part of it in which it does not wait for an answer.
    calls
        The AWS calls of one request, by service and operation.
    configuration
        What the first request has read besides.
    """

    name: str
    time: Figure
    own: Figure
    calls: Calls
    configuration: Calls

    @classmethod
    def of(cls, name: str, first: Handled, others: list[Handled]) -> Function:
        """Return the figures of some invocations.

        Raises
        ------
        Problem
            They have made different calls: then there is no number of calls for a request.
        """
        made = {tuple(sorted(_without_configuration(each.calls).items())) for each in (first, *others)}
        if len(made) > 1:
            raise Problem(f"{name} makes different calls for requests of one kind: {sorted(made)}")
        return cls(
            name,
            Figure.of([each.seconds * 1000 for each in others], "ms"),
            Figure.of([(each.seconds - each.waited) * 1000 for each in others], "ms"),
            _without_configuration(first.calls),
            {call: count for call, count in first.calls.items() if call in CONFIGURATION},
        )

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Function:
        """Return what a report has kept."""
        return cls(data["name"], Figure(**data["time"]), Figure(**data["own"]), data["calls"], data["configuration"])


def add_to(benchmarks: Any) -> None:
    """Add this benchmark to the command line."""
    summary = "how long warm functions take, and which AWS calls they make"
    parser = benchmarks.add_parser("warm", help=summary, description=__doc__)
    shop.add_options(parser)
    parser.add_argument("--invocations", type=int, help=f"of each function (default: {_INVOCATIONS})")


def measure(arguments: argparse.Namespace) -> Section:
    """Measure all functions but the hooks, which would need a deployment.

    Raises
    ------
    Problem
        A function does not run, or refuses its event.
    """
    invocations = arguments.invocations or (_QUICK_INVOCATIONS if arguments.quick else _INVOCATIONS)
    functions = []
    with shop.opened(arguments) as opened, step("warm functions") as current:
        for name in opened.functions:
            if name not in HOOKS:
                current.progress(name)
                functions.append(_measured(name, opened, invocations))
    return section({"functions": [asdict(each) for each in functions]})


def section(data: Any) -> Section:
    """Make the report's section."""
    functions = [Function.read(each) for each in data["functions"]]
    return Section(
        title="Warm functions",
        about=(
            "One handler in a process that has answered before, with events that go its good way. *own* is the part in "
            "which the handler does not wait for an answer over HTTP (AWS's, or the payment provider's): what is left "
            "is our code and the SDK's. *AWS calls* are the requests of one invocation, retries included; *first use* "
            "is the configuration that the first one reads besides. Assumed: AWS answers as fast as the local stack; "
            "a room of the chat has one member. Not measured: the runtime around the handler, Lambda's share of a "
            "processor."
        ),
        head=("function", "time", "spread", "own", "spread of own", "AWS calls", "first use"),
        rows=[
            (
                *(each.name, each.time.text, each.time.spread, each.own.text, each.own.spread),
                *(_listed(each.calls), _listed(each.configuration)),
            )
            for each in functions
        ],
        chart=bars(
            "Warm functions: milliseconds of one request",
            ("all", "own: not waiting for an answer"),
            [(each.name, (each.time, each.own)) for each in functions],
        ),
        name="warm",
        data=data,
    )


def _measured(name: str, opened: Shop, invocations: int) -> Function:
    worker = opened.workers.new(name)
    handled = []
    for _ in range(invocations + 1):
        handled.append(worker.handle(opened.events.event_for(name)))
        check_went_well(name, handled[-1].answer)
    return Function.of(name, handled[0], handled[1:])


def _without_configuration(calls: Mapping[str, int]) -> Calls:
    return {call: count for call, count in sorted(calls.items()) if call not in CONFIGURATION}


def _listed(calls: Calls) -> str:
    return ", ".join(f"{count} {call.partition(':')[2]}" for call, count in Counter(calls).items())
