"""The price table: what AWS asks, when that was looked up, and where it is said."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tools.console import Problem

FILE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Price:
    """What something costs.

    Attributes
    ----------
    usd, per
        So many dollars for so many.
    unit
        What is counted.
    source
        The title of the page that says so.
    unverified
        No page was found that does.
    """

    service: str
    usd: float
    per: float
    unit: str
    source: str
    unverified: bool = False

    def of(self, quantity: float) -> float:
        """Return what so much of it costs, in dollars."""
        return quantity * self.usd / self.per

    @property
    def text(self) -> str:
        """The price as the report shows it, with a mark where nobody vouches for it."""
        amount = f"${self.usd:.2f}" if round(self.usd, 2) == self.usd else f"${self.usd:.10f}".rstrip("0")
        number = "" if self.per == 1 else f"{self.per:,.0f} "
        return f"{amount} / {number}{self.unit}" + (" (?)" if self.unverified else "")


@dataclass(frozen=True)
class Prices:
    """All prices.

    Attributes
    ----------
    looked_up
        When.
    """

    looked_up: date
    region: str
    of: Mapping[str, Price]

    @classmethod
    def load(cls, file: Path = FILE) -> Prices:
        """Read the table."""
        table = tomllib.loads(file.read_text())
        looked_up, region = table.pop("date"), table.pop("region")
        return cls(looked_up, region, {name: Price(**price) for name, price in table.items()})

    def by_service(self, usage: Mapping[str, float]) -> dict[str, float]:
        """Return what a usage costs, split by service, the services in the order of the table.

        Raises
        ------
        Problem
            Something that is used has no price.
        """
        unknown = usage.keys() - self.of.keys()
        if unknown:
            raise Problem(f"{', '.join(sorted(unknown))} has no price: add it to {FILE}")
        costs = dict.fromkeys((price.service for price in self.of.values()), 0.0)
        for name, quantity in usage.items():
            costs[self.of[name].service] += self.of[name].of(quantity)
        return costs

    def total(self, usage: Mapping[str, float]) -> float:
        """Return what a usage costs."""
        return sum(self.by_service(usage).values())
