"""Warm functions: how long a handler takes, how much of that is its own, and which AWS calls it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from tools.bench import shop
from tools.bench.figure import Figure
from tools.bench.pictures import bars
from tools.bench.process import Handled
from tools.bench.report import Run
from tools.bench.section import Section, about, listed
from tools.console import Problem, step

INVOCATIONS = 30
_QUICK_INVOCATIONS = 3
# Read at first use and kept for a minute (storefront.shared.configuration).
CONFIGURATION = frozenset({"ssm:GetParameter", "secrets-manager:GetSecretValue"})


@dataclass(frozen=True)
class Function:
    """The figures of a function: its handler's time, and the part in which it does not wait for an answer.

    ``calls`` are those of one request; ``configuration`` are those of the first request besides.
    """

    name: str
    time: Figure
    own: Figure
    calls: dict[str, int]
    configuration: dict[str, int]

    @classmethod
    def of(cls, name: str, first: Handled, others: list[Handled]) -> Function:
        """Return the figures of some invocations; it is a ``Problem`` if they have made different calls."""
        made = {tuple(_without_configuration(each.calls).items()) for each in (first, *others)}
        if len(made) > 1:
            raise Problem(f"{name} makes different calls for requests of one kind: {sorted(made)}")
        return cls(
            name,
            Figure.of([each.seconds * 1000 for each in others], "ms"),
            Figure.of([(each.seconds - each.waited) * 1000 for each in others], "ms"),
            _without_configuration(first.calls),
            {call: count for call, count in first.calls.items() if call in CONFIGURATION},
        )

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of this function's row."""
        figures = self.time.text, self.time.spread, self.own.text, self.own.spread
        return self.name, *figures, listed(self.calls), listed(self.configuration)


_READ = TypeAdapter(list[Function]).validate_python


def measure(run: Run, *, target: shop.Target = shop.DEFAULT, invocations: int | None = None) -> Section:
    """Measure all functions but the hooks, which would need a deployment."""
    number = invocations or (_QUICK_INVOCATIONS if run.quick else INVOCATIONS)
    functions = []
    with shop.opened(target) as opened, step("warm functions") as current:
        for name in sorted(opened.functions.keys() - set(shop.HOOKS)):
            current.progress(name)
            functions.append(_measured(name, opened, number))
    return section({"functions": [asdict(each) for each in functions]})


def section(data: Any) -> Section:
    """Make the report's section."""
    functions = _READ(data["functions"])
    return Section(
        *about("warm"),
        head=("function", "time", "spread", "own", "spread of own", "AWS calls", "first use"),
        rows=[each.row for each in functions],
        chart=bars(
            "Warm functions: milliseconds of one request",
            ("all", "own: not waiting for an answer"),
            [(each.name, (each.time, each.own)) for each in functions],
        ),
        data=data,
    )


def _measured(name: str, opened: shop.Shop, invocations: int) -> Function:
    handle = opened.workers.new(name)
    handled = []
    for _ in range(invocations + 1):
        handled.append(handle(opened.event_for(name)))
        shop.check_went_well(name, handled[-1].answer)
    return Function.of(name, handled[0], handled[1:])


def _without_configuration(calls: Mapping[str, int]) -> dict[str, int]:
    return {call: count for call, count in sorted(calls.items()) if call not in CONFIGURATION}
