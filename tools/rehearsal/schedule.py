"""How traffic moves to a new version under each of CodeDeploy's configurations for Lambda."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.console import Problem

# "Working with deployment configurations in CodeDeploy", AWS CodeDeploy User Guide. Custom configurations, which it
# describes as well, have names of their own choice and are not known here.
CONFIGURATIONS = (
    "AllAtOnce",
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
)

PREFIX = "CodeDeployDefault.Lambda"


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of the alias: from this minute on, this share of its requests goes to the new version."""

    minute: int
    share: float


def schedule_of(configuration: str) -> list[Shift]:
    """Return the shifts of a configuration, the last of which gives the new version everything.

    The first comes as soon as the pre-traffic hook has succeeded: at minute 0.

    Parameters
    ----------
    configuration
        One of `CONFIGURATIONS`, as a template names it, or with CodeDeploy's prefix.

    Raises
    ------
    Problem
        CodeDeploy has no such configuration.
    """
    name = configuration.removeprefix(PREFIX)
    if name not in CONFIGURATIONS:
        raise Problem(f"CodeDeploy has no configuration {configuration} for Lambda; it has {', '.join(CONFIGURATIONS)}")
    if name == "AllAtOnce":
        return [Shift(0, 1.0)]
    percent, minutes = (int(number) for number in re.findall("[0-9]+", name))
    if name.startswith("Canary"):
        # Two increments, so many minutes apart.
        return [Shift(0, percent / 100), Shift(minutes, 1.0)]
    # Equal increments, with so many minutes between each and the next.
    return [Shift(step * minutes, (step + 1) * percent / 100) for step in range(100 // percent)]


def share_at(schedule: list[Shift], minute: float) -> float:
    """Return the new version's share of the requests at a time: 0 before the first shift."""
    return max((shift.share for shift in schedule if shift.minute <= minute), default=0.0)
