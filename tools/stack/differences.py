"""The differences of the local stack from AWS, as ``differences.toml`` lists them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.console import say_table


@dataclass(frozen=True)
class Difference:
    """Something that a template or openapi.yaml asks for, the words that do, and what is done instead."""

    asked: str
    where: str
    locally: str


_LISTED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
DIFFERENCES = tuple(Difference(**row) for row in _LISTED["difference"])


def show() -> None:
    """Print the list."""
    say_table("on AWS", "here", rows=((row.asked, row.locally) for row in DIFFERENCES))
