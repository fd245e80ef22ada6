"""Cold starts of every function under Lambda's own runtime client, with the bytecode that is shipped and without it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from tools.bench import bounds, shop
from tools.bench.cold.figures import ColdStarts
from tools.bench.cold.rounds import Rounds
from tools.bench.pictures import bars
from tools.bench.report import Run
from tools.bench.section import Section, about, verdict
from tools.console import step

_ROUNDS, _IMPORT_ROUNDS = 7, 3
_HEAD = (
    *("function", "cold start", "spread", "ratio", "bound", "init", "without bytecode"),
    *("import", "without bytecode", "memory", "without bytecode", "bound"),
)
_READ = TypeAdapter(ColdStarts).validate_python


def measure(run: Run, *, target: shop.Target = shop.DEFAULT, rounds: int | None = None, check: bool = False) -> Section:
    """Measure all functions; a bound that is not kept is a ``Problem`` where that is checked."""
    number = rounds or (1 if run.quick else _ROUNDS)
    with shop.opened(target) as opened, step("cold starts") as current:
        measured = Rounds(opened, current).measured(number, min(number, _IMPORT_ROUNDS))
    bounds.tell(measured.broken, check=check)
    return section(asdict(measured))


def section(data: Any) -> Section:
    """Make the report's section."""
    measured = _READ(data)
    floors = [(name, (each.total, None)) for name, each in measured.floors.items()]
    functions = [(each.name, each.totals) for each in measured.functions if any(each.totals)]
    return Section(
        *about("cold", verdict=verdict(measured.broken)),
        head=_HEAD,
        rows=[
            *(each.floor_row(name) for name, each in measured.floors.items()),
            *(each.row(measured.floor) for each in measured.functions),
        ],
        chart=bars(
            "Cold start: milliseconds to the first answer", ("as shipped", "without bytecode"), [*floors, *functions]
        ),
        data=data,
    )


def broken_bounds(data: Any) -> list[str]:
    """Return the bounds that are not kept."""
    return _READ(data).broken
