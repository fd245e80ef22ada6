"""The figures of cold starts, and which bounds they keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.bench.bounds import BOUNDS, SPEED_UP
from tools.bench.cold.start import ColdStart
from tools.bench.figure import Figure

BOTO3_FLOOR = "boto3 floor"
CONSTANT = "constant function"


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

    def ratio_to(self, floor: Measured) -> float | None:
        """Return the whole time in multiples of a floor's."""
        return self.total.ratio_to(floor.total) if self.total and floor.total else None


@dataclass(frozen=True)
class Function:
    """The cold starts of a function, and the import of its package, with bytecode and without.

    Where a package is shipped without bytecode, there is nothing to compare it with.
    """

    name: str
    shipped: Measured
    without: Measured | None
    shipped_import: Figure
    without_import: Figure | None

    @property
    def speed_up(self) -> float | None:
        """How many times longer the import takes without bytecode."""
        return self.without_import.ratio_to(self.shipped_import) if self.without_import else None

    def broken(self, floor: Measured) -> Iterator[str]:
        """Yield the bounds that are not kept, each with what was measured."""
        bound, ratio, speed_up = BOUNDS[self.name], self.shipped.ratio_to(floor), self.speed_up
        if bound.ratio and ratio and ratio > bound.ratio:
            yield f"{self.name}: {ratio:.3f} times the boto3 floor, at most {bound.ratio}"
        if self.shipped.megabytes.median > bound.megabytes:
            yield f"{self.name}: {self.shipped.megabytes.text} of memory, at most {bound.megabytes}"
        if speed_up and speed_up < SPEED_UP:
            yield f"{self.name}: bytecode makes the import {speed_up:.1f} times as fast, at least {SPEED_UP:g}"

    def row(self, floor: Measured) -> tuple[str, ...]:
        """The cells of this function's row."""
        bound, ratio, without, slow = BOUNDS[self.name], self.shipped.ratio_to(floor), self.without, self.without_import
        total, total_without = self.shipped.total, without and without.total
        return (
            self.name,
            total.text if total else "",
            total.spread if total else "",
            f"{ratio:.2f}" if ratio else "",
            f"{bound.ratio}" if bound.ratio else "",
            self.shipped.init.text,
            total_without.text if total_without else "",
            self.shipped_import.text,
            f"{slow.text} ({self.speed_up:.1f} times)" if slow else "",
            self.shipped.megabytes.text,
            without.megabytes.text if without else "",
            f"{bound.megabytes} MB",
        )


@dataclass(frozen=True)
class ColdStarts:
    """All that was measured in some rounds."""

    rounds: int
    floors: dict[str, Measured]
    functions: list[Function]

    @property
    def floor(self) -> Measured:
        """What everything is compared with."""
        return self.floors[BOTO3_FLOOR]

    @property
    def broken(self) -> list[str]:
        """The bounds that are not kept."""
        return [line for each in self.functions for line in each.broken(self.floor)]
