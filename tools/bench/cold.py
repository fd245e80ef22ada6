"""Cold starts of every function under Lambda's own runtime client, with the bytecode that is shipped and without it.

Each is a fresh process of what ``sam build`` has made, with what a function finds in Lambda's runtime beside it, in the
function's deployed environment and role, against a local stack. The processes take turns: in each round every function
starts once with its bytecode and once without it, and between them the floors.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tools.bench import packages, shop
from tools.bench.bounds import BOUNDS, SPEED_UP
from tools.bench.cold_start import ColdStart, import_milliseconds, start
from tools.bench.good_events import HOOKS
from tools.bench.pictures import bars
from tools.bench.report import Figure, Section, printed
from tools.bench.shop import Shop
from tools.bench.workers import Runnable
from tools.console import Problem, Step, say, step, styled

BOTO3_FLOOR = "boto3 floor"
CONSTANT = "constant function"
_FLOORS = {BOTO3_FLOOR: "with_boto3.handler", CONSTANT: "constant.handler"}
# The floors are what everything is divided by: they start again after so many functions.
_FLOORS_EVERY = 7
_ROUNDS = 7
_IMPORT_ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """The cold starts of a function from one package."""

    init: Figure
    total: Figure | None
    megabytes: Figure

    @classmethod
    def of(cls, starts: list[ColdStart]) -> Measured:
        """Return the figures of some starts."""
        totals = [each.total for each in starts if each.total is not None]
        return cls(
            Figure.of([each.init for each in starts], "ms"),
            Figure.of(totals, "ms") if totals else None,
            Figure.of([each.megabytes for each in starts], "MB"),
        )

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Measured:
        """Return the figures that a report has kept."""
        total = Figure(**data["total"]) if data["total"] else None
        return cls(Figure(**data["init"]), total, Figure(**data["megabytes"]))


@dataclass(frozen=True)
class Function:
    """What was measured of a function: with bytecode, without it, and the import of what is shipped both ways."""

    name: str
    shipped: Measured
    without: Measured
    shipped_import: Figure
    without_import: Figure

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Function:
        """Return what a report has kept."""
        return cls(
            data["name"],
            Measured.read(data["shipped"]),
            Measured.read(data["without"]),
            Figure(**data["shipped_import"]),
            Figure(**data["without_import"]),
        )

    @property
    def speed_up(self) -> float:
        """How many times longer the import takes without bytecode."""
        return self.without_import.median / self.shipped_import.median

    def broken(self, floor: Measured) -> Iterator[str]:
        """Yield the bounds that are not kept, each with what was measured."""
        bound = BOUNDS[self.name]
        ratio = ratio_of(self.shipped, floor)
        if bound.ratio and ratio and ratio > bound.ratio:
            yield f"{self.name}: {ratio:.3f} times the boto3 floor, at most {bound.ratio}"
        if self.shipped.megabytes.median > bound.megabytes:
            yield f"{self.name}: {self.shipped.megabytes.text} of memory, at most {bound.megabytes}"
        if self.speed_up < SPEED_UP:
            yield f"{self.name}: bytecode makes the import {self.speed_up:.1f} times as fast, at least {SPEED_UP:g}"


def add_to(benchmarks: Any) -> None:
    """Add this benchmark to the command line."""
    summary = "cold starts under Lambda's runtime client, with and without bytecode"
    parser = benchmarks.add_parser("cold", help=summary, description=__doc__)
    shop.add_options(parser)
    parser.add_argument("--rounds", type=int, help=f"cold starts of each function, each way (default: {_ROUNDS})")
    parser.add_argument("--check", action="store_true", help="fail if a bound is not kept")


def measure(arguments: argparse.Namespace) -> Section:
    """Measure all functions.

    Raises
    ------
    Problem
        A function does not run; or, where that is asked for, a bound is not kept.
    """
    rounds = arguments.rounds or (1 if arguments.quick else _ROUNDS)
    with shop.opened(arguments) as opened, step("cold starts") as current:
        bench = _Bench.of(opened, current)
        for number in range(rounds):
            bench.start_all(f"round {number + 1} of {rounds}")
        for number in range(min(rounds, _IMPORT_ROUNDS)):
            bench.import_all(f"imports, round {number + 1}")
        bench.check_nothing_was_compiled()
    measured = section({"rounds": rounds, **bench.data()})
    broken = broken_bounds(measured.data)
    for line in broken:
        say(styled(f"not kept: {line}", "red"))
    if broken and arguments.check:
        say("\n" + printed(measured))
        raise Problem(f"{len(broken)} bounds are not kept, see above")
    return measured


def section(data: Any) -> Section:
    """Make the report's section."""
    floors = {name: Measured.read(each) for name, each in data["floors"].items()}
    functions = [Function.read(each) for each in data["functions"]]
    broken = broken_bounds(data)
    verdict = "Every bound is kept." if not broken else f"**Not kept: {'; '.join(broken)}.**"
    shown = [each for each in functions if each.shipped.total and each.without.total]
    return Section(
        title="Cold starts",
        about=(
            "From the start of a fresh process to its first answer, as Lambda starts it (`python -m awslambdaric`, "
            "with a runtime API of the benchmark's own), from the package that `sam build` makes; *init* is the part "
            "until the process asks for its first event. The floor is a function that makes one boto3 client and one "
            "call, with bytecode; the ratio is of the whole time to the floor's. *import* is what of the package is "
            "imported: the sum of `python -X importtime` over its modules, without making AWS clients. *memory* is the "
            "most that the process had resident. Each answers an event that goes its good way; a hook of a release is "
            "started only, since CodeDeploy, which it reports to, is not part of the local stack. The reconciler's "
            "bound is the processor's: it makes the same calls. "
            + verdict
            + " Assumed: AWS answers as fast as the local stack. Not measured: Lambda's share of a "
            "processor, fetching and unpacking the package, starting the sandbox; files come from memory here."
        ),
        head=(
            *("function", "cold start", "spread", "ratio", "bound", "init", "without bytecode"),
            *("import", "without bytecode", "memory", "without bytecode", "bound"),
        ),
        rows=[_floor_row(name, each) for name, each in floors.items()]
        + [_row(each, floors[BOTO3_FLOOR]) for each in functions],
        chart=bars(
            "Cold start: milliseconds to the first answer",
            ("as shipped", "without bytecode"),
            [(each.name, [figure for figure in _totals(each) if figure]) for each in shown],
            floors[BOTO3_FLOOR].total,
        )
        if shown
        else None,
        name="cold",
        data=data,
    )


def broken_bounds(data: Any) -> list[str]:
    """Return the bounds that are not kept."""
    floor = Measured.read(data["floors"][BOTO3_FLOOR])
    return [line for each in data["functions"] for line in Function.read(each).broken(floor)]


def ratio_of(measured: Measured, floor: Measured) -> float | None:
    """Return how many times the floor's cold start one is."""
    return measured.total.median / floor.total.median if measured.total and floor.total else None


class _Bench:
    """Starts processes in turn, and keeps what each has taken."""

    def __init__(
        self,
        opened: Shop,
        variants: Mapping[str, tuple[Runnable, Runnable]],
        floors: Mapping[str, Runnable],
        progress: Step,
    ) -> None:
        self._shop = opened
        self._variants = variants
        self._floors = floors
        self._progress = progress
        self._starts: defaultdict[tuple[str, str], list[ColdStart]] = defaultdict(list)
        self._imports: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    @classmethod
    def of(cls, opened: Shop, progress: Step) -> _Bench:
        """Make what is measured: each function from its package and from one without bytecode, and the floors."""
        first = packages.distinct(each.package for each in opened.functions.values())
        copies: dict[Path, Path] = {}
        for package in sorted(set(first.values())):
            packages.require_bytecode(package)
            copies[package] = packages.without_bytecode(package, opened.directory / f"without-bytecode-{len(copies)}")
        variants = {
            name: (replace(each, package=first[each.package]), replace(each, package=copies[first[each.package]]))
            for name, each in opened.functions.items()
        }
        floor_package = packages.of_floors(opened.directory / "floors")
        # Of the functions, this one has an environment and a role that let it do what the floor does.
        like = opened.workers.runnable("get-product")
        floors = {
            name: replace(like, function=replace(like.function, name=name, handler=handler), package=floor_package)
            for name, handler in _FLOORS.items()
        }
        return cls(opened, variants, floors, progress)

    def start_all(self, detail: str) -> None:
        """Start every function once, each way."""
        for number, (name, (shipped, without)) in enumerate(self._variants.items()):
            if number % _FLOORS_EVERY == 0:
                for floor, runnable in self._floors.items():
                    self._start(floor, "shipped", runnable, {})
            self._progress.progress(f"{detail}: {name}")
            for variant, runnable in (("shipped", shipped), ("without", without)):
                event = None if name in HOOKS else self._shop.events.event_for(name)
                self._start(name, variant, runnable, event)

    def import_all(self, detail: str) -> None:
        """Import what each function imports, each way."""
        for name, (shipped, without) in self._variants.items():
            self._progress.progress(f"{detail}: {name}")
            self._imports[name, "shipped"].append(import_milliseconds(shipped))
            self._imports[name, "without"].append(import_milliseconds(without))

    def check_nothing_was_compiled(self) -> None:
        """Look that what was measured as being without bytecode has none.

        Raises
        ------
        AssertionError
            It has.
        """
        for _, without in self._variants.values():
            assert not any(without.package.rglob("*.pyc")), without.package  # noqa: S101 - what was measured is wrong

    def data(self) -> dict[str, Any]:
        """Return the figures, as the report keeps them."""
        return {
            "floors": {name: asdict(Measured.of(self._starts[name, "shipped"])) for name in self._floors},
            "functions": [asdict(self._function(name)) for name in self._variants],
        }

    def _function(self, name: str) -> Function:
        return Function(
            name,
            Measured.of(self._starts[name, "shipped"]),
            Measured.of(self._starts[name, "without"]),
            Figure.of(self._imports[name, "shipped"], "ms"),
            Figure.of(self._imports[name, "without"], "ms"),
        )

    def _start(self, name: str, variant: str, runnable: Runnable, event: Any) -> None:
        log = self._shop.directory / f"{runnable.function.name}.cold.log"
        self._starts[name, variant].append(start(runnable, event, log))


def _totals(function: Function) -> tuple[Figure | None, Figure | None]:
    return function.shipped.total, function.without.total


def _floor_row(name: str, measured: Measured) -> tuple[str, ...]:
    total = measured.total or measured.init
    return name, total.text, total.spread, "", "", measured.init.text, "", "", "", measured.megabytes.text, "", ""


def _row(function: Function, floor: Measured) -> tuple[str, ...]:
    bound, ratio = BOUNDS[function.name], ratio_of(function.shipped, floor)
    total, without = _totals(function)
    return (
        function.name,
        total.text if total else "",
        total.spread if total else "",
        f"{ratio:.2f}" if ratio else "",
        f"{bound.ratio}" if bound.ratio else "",
        function.shipped.init.text,
        without.text if without else "",
        function.shipped_import.text,
        f"{function.without_import.text} ({function.speed_up:.1f} times)",
        function.shipped.megabytes.text,
        function.without.megabytes.text,
        f"{bound.megabytes} MB",
    )
