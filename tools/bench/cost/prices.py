"""The price table: each price of AWS, when it was looked up, and its source."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tools.console import Problem

FILE = Path(__file__).with_name("prices.toml")
_CENT = 0.01


@dataclass(frozen=True)
class Price:
    """Dollars for a number (``per``) of a unit, with the page that says so; ``unverified`` where none was found."""

    service: str
    usd: float
    per: float
    unit: str
    source: str
    unverified: bool = False

    def of(self, quantity: float) -> float:
        """Return the cost of a quantity, in dollars."""
        return quantity * self.usd / self.per

    @property
    def text(self) -> str:
        """The price as the report shows it, with a mark where it is unverified."""
        amount = f"${self.usd:.2f}" if round(self.usd, 2) == self.usd else f"${self.usd:.10f}".rstrip("0")
        number = "" if self.per == 1 else f"{self.per:,.0f} "
        return f"{amount} / {number}{self.unit}" + (" (?)" if self.unverified else "")


@dataclass(frozen=True)
class Prices:
    """All prices by their names."""

    looked_up: date
    region: str
    of: Mapping[str, Price]

    @classmethod
    def load(cls, file: Path = FILE) -> Prices:
        """Read the table."""
        table = tomllib.loads(file.read_text())
        looked_up, region = table.pop("date"), table.pop("region")
        return cls(looked_up, region, {name: Price(**price) for name, price in table.items()})

    @property
    def services(self) -> list[str]:
        """The services, in the order of the table."""
        return list(dict.fromkeys(price.service for price in self.of.values()))

    def by_service(self, usage: Mapping[str, float]) -> dict[str, float]:
        """Return the cost of a usage, split by service; something without a price is a ``Problem``."""
        unknown = usage.keys() - self.of.keys()
        if unknown:
            raise Problem(f"{', '.join(sorted(unknown))} has no price: add it to {FILE}")
        costs = dict.fromkeys(self.services, 0.0)
        for name, quantity in usage.items():
            costs[self.of[name].service] += self.of[name].of(quantity)
        return costs

    def total(self, usage: Mapping[str, float]) -> float:
        """Return the cost of a usage."""
        return sum(self.by_service(usage).values())


def dollars(amount: float) -> str:
    """Return an amount in dollars and cents; below a cent, with two significant digits."""
    if amount == 0 or amount >= _CENT:
        return f"${amount:,.2f}"
    return f"${amount:.{1 - math.floor(math.log10(amount))}f}"
