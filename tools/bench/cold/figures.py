"""The figures of cold starts, and which bounds they keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.bench.bounds import BOUNDS, SPEED_UP
from tools.bench.cold.start import ColdStart
from tools.bench.figure import Figure

BOTO3_FLOOR = "boto3 floor"
CONSTANT = "constant function"


@dataclass(frozen=True)
class Measured:
    """The cold starts of a function from one package; one that is only initialised has no total."""

    init: Figure
    total: Figure | None
    megabytes: Figure

    @classmethod
    def of(cls, starts: Sequence[ColdStart]) -> Measured:
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

    def floor_row(self, name: str) -> tuple[str, ...]:
        """Return the cells of a floor's row."""
        total = self.total or self.init
        return name, total.text, total.spread, "", "", self.init.text, "", "", "", self.megabytes.text, "", ""


@dataclass(frozen=True)
class Function:
    """The cold starts of a function, and its import; one that is shipped without bytecode is compared with nothing."""

    name: str
    shipped: Measured
    without: Measured | None
    shipped_import: Figure
    without_import: Figure | None

    @property
    def totals(self) -> tuple[Figure | None, Figure | None]:
        """The whole time, as shipped and without bytecode."""
        return self.shipped.total, self.without.total if self.without else None

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
        """Return the cells of this function's row."""
        bound, ratio = BOUNDS[self.name], self.shipped.ratio_to(floor)
        total, without = self.totals
        return (
            self.name,
            *((total.text, total.spread) if total else ("", "")),
            f"{ratio:.2f}" if ratio else "",
            f"{bound.ratio}" if bound.ratio else "",
            self.shipped.init.text,
            without.text if without else "",
            self.shipped_import.text,
            f"{self.without_import.text} ({self.speed_up:.1f} times)" if self.without_import else "",
            self.shipped.megabytes.text,
            self.without.megabytes.text if self.without else "",
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
        """The floor that bounds are multiples of."""
        return self.floors[BOTO3_FLOOR]

    @property
    def broken(self) -> list[str]:
        """The bounds that are not kept."""
        return [line for each in self.functions for line in each.broken(self.floor)]
