"""The differences of the local stack from AWS, and its readings of AWS's pages: two lists, each in a file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.console import say_table


@dataclass(frozen=True)
class Difference:
    """Something that a template or openapi.yaml asks for, the words that do, what is done instead, and why."""

    asked: str
    where: str
    locally: str
    why: str


@dataclass(frozen=True)
class Reading:
    """Something that a page of AWS's leaves open, and how a module of the local API Gateway has read it."""

    module: str
    page: str
    here: str


def _listed(name: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = tomllib.loads(Path(__file__).with_name(f"{name}s.toml").read_text())[name]
    return rows


DIFFERENCES = tuple(Difference(**row) for row in _listed("difference"))
READINGS = tuple(Reading(**row) for row in _listed("reading"))


def show() -> None:
    """Print the list."""
    say_table("on AWS", "here", "because", rows=((row.asked, row.locally, row.why) for row in DIFFERENCES))


def show_readings() -> None:
    """Print the readings, none of which was seen on AWS."""
    say_table("not seen on AWS", "page", rows=((row.here, row.page) for row in READINGS))
