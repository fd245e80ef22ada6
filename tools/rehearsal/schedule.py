"""How traffic moves to a new version under each of CodeDeploy's configurations for Lambda."""

from dataclasses import dataclass

from tools.console import Problem

PREFIX = "CodeDeployDefault.Lambda"


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of the alias: from this minute on, this share of its requests goes to the new version."""

    minute: int
    share: float


def _canary(minutes: int) -> list[Shift]:
    return [Shift(0, 0.1), Shift(minutes, 1.0)]


def _linear(minutes: int) -> list[Shift]:
    return [Shift(step * minutes, (step + 1) / 10) for step in range(10)]


# "Working with deployment configurations in CodeDeploy", AWS CodeDeploy User Guide. Custom configurations, which it
# describes as well, have names of their own choice and are not known here.
_SCHEDULES = {
    "AllAtOnce": [Shift(0, 1.0)],
    "Canary10Percent5Minutes": _canary(5),
    "Canary10Percent10Minutes": _canary(10),
    "Canary10Percent15Minutes": _canary(15),
    "Canary10Percent30Minutes": _canary(30),
    "Linear10PercentEvery1Minute": _linear(1),
    "Linear10PercentEvery2Minutes": _linear(2),
    "Linear10PercentEvery3Minutes": _linear(3),
    "Linear10PercentEvery10Minutes": _linear(10),
}
CONFIGURATIONS = tuple(_SCHEDULES)


def schedule_of(configuration: str) -> list[Shift]:
    """Return the shifts of a configuration, with or without CodeDeploy's prefix; a `Problem` if it is unknown."""
    name = configuration.removeprefix(PREFIX)
    if name not in _SCHEDULES:
        raise Problem(f"CodeDeploy has no configuration {configuration} for Lambda; it has {', '.join(CONFIGURATIONS)}")
    return _SCHEDULES[name]


def share_at(schedule: list[Shift], minute: float) -> float:
    """Return the new version's share of the requests at a time: 0 before the first shift."""
    return max((shift.share for shift in schedule if shift.minute <= minute), default=0.0)
