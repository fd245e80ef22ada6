"""How traffic moves under each configuration."""

import pytest

from tools.console import Problem
from tools.rehearsal.schedule import CONFIGURATIONS, PREFIX, Shift, schedule_of, share_at


@pytest.mark.parametrize(
    ("configuration", "first", "shifts", "last_minute"),
    [
        ("AllAtOnce", 1.0, 1, 0),
        ("Canary10Percent5Minutes", 0.1, 2, 5),
        ("Canary10Percent10Minutes", 0.1, 2, 10),
        ("Canary10Percent15Minutes", 0.1, 2, 15),
        ("Canary10Percent30Minutes", 0.1, 2, 30),
        ("Linear10PercentEvery1Minute", 0.1, 10, 9),
        ("Linear10PercentEvery2Minutes", 0.1, 10, 18),
        ("Linear10PercentEvery3Minutes", 0.1, 10, 27),
        ("Linear10PercentEvery10Minutes", 0.1, 10, 90),
    ],
)
def test_a_configuration_shifts_as_codedeploy_documents_it(
    configuration: str, first: float, shifts: int, last_minute: int
) -> None:
    schedule = schedule_of(configuration)

    assert schedule[0] == Shift(0, first)
    assert len(schedule) == shifts
    assert schedule[-1] == Shift(last_minute, 1.0)


def test_a_linear_configuration_adds_the_same_share_at_the_same_interval() -> None:
    schedule = schedule_of("Linear10PercentEvery3Minutes")

    assert [shift.minute for shift in schedule] == list(range(0, 28, 3))
    assert [shift.share for shift in schedule] == pytest.approx([tenth / 10 for tenth in range(1, 11)])


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_name_may_have_codedeploys_prefix(configuration: str) -> None:
    assert schedule_of(PREFIX + configuration) == schedule_of(configuration)


@pytest.mark.parametrize(
    "name", ["", "Canary10Percent7Minutes", "linear10percentevery1minute", "CodeDeployDefault.ECSAllAtOnce"]
)
def test_a_configuration_that_codedeploy_does_not_have_is_refused_with_those_it_has(name: str) -> None:
    with pytest.raises(Problem, match="it has AllAtOnce, Canary10Percent5Minutes"):
        schedule_of(name)


@pytest.mark.parametrize(
    ("minute", "share"), [(-0.1, 0.0), (0, 0.1), (0.9, 0.1), (1, 0.2), (8.99, 0.9), (9, 1.0), (60, 1.0)]
)
def test_between_two_shifts_the_share_stays(minute: float, share: float) -> None:
    assert share_at(schedule_of("Linear10PercentEvery1Minute"), minute) == pytest.approx(share)
