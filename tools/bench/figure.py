"""A measured quantity, and how numbers are written in the report."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

# From here on, a number has no decimals; below, it has three significant digits.
_WHOLE = 100
_TENTHS = 10


@dataclass(frozen=True)
class Figure:
    """The median of some runs, and their spread: the lowest and the highest of them."""

    median: float
    low: float
    high: float
    unit: str
    runs: int

    @classmethod
    def of(cls, samples: Iterable[float], unit: str) -> Figure:
        """Return the figure of some runs."""
        runs = list(samples)
        return cls(statistics.median(runs), min(runs), max(runs), unit, len(runs))

    @property
    def text(self) -> str:
        """The median with its unit, as a table shows it."""
        return f"{short(self.median)} {self.unit}"

    @property
    def spread(self) -> str:
        """The lowest and the highest run, and the number of runs."""
        runs = "1 run" if self.runs == 1 else f"{self.runs:,} runs"
        return f"{short(self.low)} to {short(self.high)}, {runs}"

    def ratio_to(self, floor: Figure) -> float:
        """Return this in multiples of a floor, which is of the same run and has the same unit."""
        return self.median / floor.median


def short(number: float) -> str:
    """Return a number with three significant digits, or all digits before the point."""
    if number == 0 or abs(number) >= _WHOLE:
        return f"{number:,.0f}"
    if abs(number) >= _TENTHS:
        return f"{number:.1f}"
    return f"{number:.2f}" if abs(number) >= 1 else f"{number:.3g}"
