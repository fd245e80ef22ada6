"""Rounds of cold starts: every function starts once with its bytecode and once without, and between them the floors."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.bench import packages
from tools.bench.cold.figures import BOTO3_FLOOR, CONSTANT, ColdStarts, Function, Measured
from tools.bench.cold.start import ColdStart, import_milliseconds, start
from tools.bench.figure import Figure
from tools.bench.process import Runnable
from tools.bench.shop import HOOKS, Shop
from tools.console import Step

_FLOORS = {BOTO3_FLOOR: "with_boto3.handler", CONSTANT: "constant.handler"}
# The floors are what everything is divided by: they start again after this number of functions.
_FLOORS_EVERY = 7


class Rounds:
    """Starts processes in turn, and keeps what each has taken.

    Each function has variants: ``shipped`` runs its package, ``without`` a copy without the bytecode, if it has any.
    """

    def __init__(self, opened: Shop, progress: Step) -> None:
        self._shop = opened
        self._progress = progress
        self._functions = _variants(opened)
        self._floors = _floors(opened)
        self._starts: defaultdict[tuple[str, str], list[ColdStart]] = defaultdict(list)
        self._imports: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def measured(self, rounds: int, import_rounds: int) -> ColdStarts:
        """Measure, and return the figures."""
        for number in range(rounds):
            self._start_all(f"round {number + 1} of {rounds}")
        for number in range(import_rounds):
            self._import_all(f"imports, round {number + 1}")
        # Otherwise what was measured without bytecode is wrong.
        copies = [variants["without"].package for variants in self._functions.values() if "without" in variants]
        assert not any(map(packages.has_bytecode, copies))  # noqa: S101
        floors = {name: Measured.of(self._starts[name, "shipped"]) for name in self._floors}
        return ColdStarts(rounds, floors, [self._function(name) for name in self._functions])

    def _start_all(self, detail: str) -> None:
        for number, (name, variants) in enumerate(self._functions.items()):
            if number % _FLOORS_EVERY == 0:
                for floor, runnable in self._floors.items():
                    self._start(floor, "shipped", runnable, {})
            self._progress.progress(f"{detail}: {name}")
            for variant, runnable in variants.items():
                event = None if name in HOOKS else self._shop.event_for(name)
                self._start(name, variant, runnable, event)

    def _import_all(self, detail: str) -> None:
        for name, variants in self._functions.items():
            self._progress.progress(f"{detail}: {name}")
            for variant, runnable in variants.items():
                self._imports[name, variant].append(import_milliseconds(runnable))

    def _function(self, name: str) -> Function:
        compared = "without" in self._functions[name]
        return Function(
            name,
            Measured.of(self._starts[name, "shipped"]),
            Measured.of(self._starts[name, "without"]) if compared else None,
            Figure.of(self._imports[name, "shipped"], "ms"),
            Figure.of(self._imports[name, "without"], "ms") if compared else None,
        )

    def _start(self, name: str, variant: str, runnable: Runnable, event: Any) -> None:
        log = self._shop.directory / f"{runnable.function.name}.cold.log"
        self._starts[name, variant].append(start(runnable, event, log))


def _variants(opened: Shop) -> dict[str, dict[str, Runnable]]:
    """Return the variants of each function; what ships the same files is one package, and copied once."""
    first = packages.distinct(each.package for each in opened.functions.values())
    copies: dict[Path, Path] = {}
    functions = {}
    for name, function in opened.functions.items():
        package = first[function.package]
        if packages.is_built(function.function.logical_id):
            packages.require_bytecode(package)
        functions[name] = {"shipped": replace(function, package=package)}
        if packages.has_bytecode(package):
            if package not in copies:
                copy = opened.directory / f"without-bytecode-{len(copies)}"
                copies[package] = packages.without_bytecode(package, copy)
            functions[name]["without"] = replace(function, package=copies[package])
    return functions


def _floors(opened: Shop) -> dict[str, Runnable]:
    package = packages.of_floors(opened.directory / "floors")
    # This function has an environment and a role that let it do what the floor does.
    like = opened.workers.functions["get-product"]
    return {
        name: replace(like, function=replace(like.function, name=name, handler=handler), package=package)
        for name, handler in _FLOORS.items()
    }
