"""The simulated cost of a bad release."""

import subprocess
import sys
from dataclasses import fields, replace

import pytest

from tools.console import Problem
from tools.rehearsal.comparison import as_picture, as_table, compare, rolled_back_for_nothing
from tools.rehearsal.schedule import CONFIGURATIONS
from tools.rehearsal.simulation import Assumptions, StoppedBy, simulated
from tools.stack.stack import ROOT

FEW = Assumptions(runs=60, error_rates=(0.2,))


def test_the_same_seed_gives_the_same_releases_and_another_one_others() -> None:
    line = simulated("Linear10PercentEvery1Minute", 0.05, FEW)

    assert simulated("Linear10PercentEvery1Minute", 0.05, FEW) == line
    assert simulated("Linear10PercentEvery1Minute", 0.05, replace(FEW, seed=2)) != line


@pytest.mark.parametrize("configuration", [name for name in CONFIGURATIONS if name != "AllAtOnce"])
def test_the_alarm_ends_a_release_that_fails_often_within_its_delay(configuration: str) -> None:
    line = simulated(configuration, 0.2, FEW)

    # then it took the rest of a minute, the metric's way, at most two evaluations and the reaction
    assert line.stopped_by(StoppedBy.ALARM) == 1
    assert all(1.5 <= release.minutes <= 3.5 for release in line.releases)


def test_no_alarm_can_end_a_release_that_is_over_at_once() -> None:
    line = simulated("AllAtOnce", 0.05, replace(FEW, metric_delay=FEW.smoke_duration))

    assert line.stopped_by(StoppedBy.ALARM) == 0
    assert line.stopped_by(StoppedBy.SMOKE_TEST) + line.stopped_by(StoppedBy.PERSON) == pytest.approx(1)


def test_without_a_smoke_test_a_person_ends_what_came_all_at_once() -> None:
    line = simulated("AllAtOnce", 0.2, replace(FEW, smoke_requests=0, person=10))

    assert line.stopped_by(StoppedBy.PERSON) == 1
    assert all(release.minutes == pytest.approx(10) for release in line.releases)


def test_what_fails_is_what_traffic_share_and_error_rate_make_of_the_time() -> None:
    # given nobody but a person, after ten minutes, and a canary of five
    alone = replace(FEW, threshold=1e9, smoke_requests=0, person=5, requests_per_second=100)

    line = simulated("Canary10Percent5Minutes", 0.2, alone)

    # then five minutes had a tenth of the requests, and five had all
    expected = 100 * 300 * 0.2 * (0.1 + 1)
    assert line.quantiles("failed")[1] == pytest.approx(expected, rel=0.02)
    assert all(release.minutes == pytest.approx(10) for release in line.releases)


def test_customers_are_no_more_than_failed_requests_and_with_one_request_each_as_many() -> None:
    several, one = (
        simulated("Linear10PercentEvery1Minute", 0.5, replace(FEW, requests_per_customer=each)) for each in (5, 1)
    )

    assert all(release.customers < release.failed for release in several.releases)
    assert all(release.customers == pytest.approx(release.failed) for release in one.releases)


def test_a_customer_with_several_failed_requests_counts_once() -> None:
    # given half of all requests failing, and two from each customer
    alone = replace(FEW, smoke_requests=0, requests_per_customer=2, person=1)

    line = simulated("AllAtOnce", 0.5, alone)

    # then three customers in four meet an error: three for each four failed requests
    for release in line.releases:
        assert release.customers / release.failed == pytest.approx(0.75, rel=0.1)


@pytest.mark.parametrize(
    "slower",
    [
        {"metric_delay": 180.0},
        {"alarm_period": 300, "threshold": 200.0},
        {"evaluation_periods": 3, "datapoints_to_alarm": 3},
        {"reaction": 120.0},
    ],
)
def test_a_slower_alarm_costs_more_customers(slower: dict[str, float]) -> None:
    fast, slow = (
        simulated("Linear10PercentEvery2Minutes", 0.2, given).quantiles("customers")[1]
        for given in (FEW, replace(FEW, **slower))  # type: ignore[arg-type]
    )

    assert slow > fast


def test_a_release_without_errors_is_never_rolled_back_and_a_nervous_alarm_rolls_back_good_ones() -> None:
    assert rolled_back_for_nothing("Linear10PercentEvery1Minute", replace(FEW, background_rate=0)) == 0

    nervous, calm = (
        rolled_back_for_nothing("Linear10PercentEvery3Minutes", replace(FEW, threshold=threshold))
        for threshold in (1, 5)
    )
    assert calm < 0.1 < nervous


@pytest.mark.parametrize(
    "wrong",
    [
        {"error_rates": (20,)},
        {"background_rate": -0.1},
        {"alarm_period": 30},
        {"alarm_period": 0},
        {"evaluation_periods": 2, "datapoints_to_alarm": 3},
        {"datapoints_to_alarm": 0},
        {"requests_per_second": 0},
        {"requests_per_customer": 0},
        {"runs": 1},
        {"metric_delay": -1},
        {"person": -1},
    ],
)
def test_assumptions_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Problem):
        replace(FEW, **wrong)  # type: ignore[arg-type]


def test_the_table_has_every_configuration_and_the_picture_its_medians() -> None:
    table, picture = as_table(compare(FEW), FEW), as_picture(0.2, FEW)

    assert all(table.count(f"| {name} ") == 2 for name in CONFIGURATIONS)
    assert len({len(line) for line in table.splitlines()[:11]}) == 1, "aligned, for a terminal"
    median = simulated("AllAtOnce", 0.2, FEW).quantiles("customers")[1]
    assert f"line [{median:.0f}, " in picture


def test_the_command_explains_every_input_with_its_unit() -> None:
    command = [sys.executable, "-m", "tools", "rollout-compare", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert all(f"--{each.name.replace('_', '-')} " in told for each in fields(Assumptions))
    for each in fields(Assumptions):
        unit = ("second", "minute", "0 to 1", "a number", "periods")
        assert any(word in each.metadata["help"] for word in unit), each.name
