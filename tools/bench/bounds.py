"""The limits that are promised of functions and packages: ``bounds.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem, say, styled

_TABLE = tomllib.loads(Path(__file__).with_name("bounds.toml").read_text())


@dataclass(frozen=True)
class Bound:
    """The limits of a function's cold start: multiples of the boto3 floor's time, and peak memory."""

    megabytes: int
    ratio: float | None = None


SPEED_UP: float = _TABLE["speed_up"]
MEGABYTES_OF_PACKAGE: int = _TABLE["megabytes_of_package"]
BOUNDS = {name: Bound(**limits) for name, limits in _TABLE["functions"].items()}


def tell(broken: Sequence[str], *, check: bool) -> None:
    """Show the bounds that are not kept; they are a ``Problem`` where that is checked."""
    for line in broken:
        say(styled(f"not kept: {line}", "red"))
    if broken and check:
        raise Problem(f"{len(broken)} bounds are not kept, see above")
