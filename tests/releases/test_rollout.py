"""The course of a release, with a function, hooks and a clock that are the test's own."""

import math
from collections import Counter
from itertools import repeat
from typing import Any

import pytest

from tools.rehearsal.alarms import Alarm
from tools.rehearsal.rollout import ALARMED, COMPLETED, REFUSED_AFTER, REFUSED_BEFORE, End, Rollout
from tools.rehearsal.schedule import CONFIGURATIONS, schedule_of
from tools.rehearsal.template_alarms import is_smoke_tested
from tools.rehearsal.versions import Call

OLD, NEW = "1", "2"
NO_MINUTE_TO_WATCH = "AllAtOnce"


class Function:
    """A function with an alias; the new version fails every n-th request, never with 0."""

    name = "list-products"
    current = OLD

    def __init__(self, fails_every: int = 0, *, interrupt_at: int | None = None) -> None:
        self.alias = [OLD]
        self.requests: Counter[str] = Counter()
        self._fails_every = fails_every
        self._interrupt_at = interrupt_at

    def invoke(self, version: str, event: Any) -> Call:
        self.requests[version] += 1
        if self.requests.total() == self._interrupt_at:
            raise KeyboardInterrupt
        bad = version == NEW and self._fails_every and self.requests[NEW] % self._fails_every == 0
        return Call(20.0, bool(bad), 0, {})

    def point_to(self, version: str) -> None:
        self.alias.append(version)


def alarm(**dimensions: str) -> Alarm:
    """Return an alarm on three errors in a minute."""
    return Alarm.of(
        {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": 3,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "EvaluationPeriods": 1,
            "TreatMissingData": "notBreaching",
        }
    )


LIVE = {"FunctionName": "list-products", "Resource": "list-products:live"}
ALARMS = {"NewVersionErrors": alarm(**LIVE, ExecutedVersion=NEW)}


def release(
    function: Function,
    configuration: str = "Linear10PercentEvery1Minute",
    *,
    before: bool = True,
    after: bool | None = True,
    alarms: dict[str, Alarm] = ALARMS,
    requests: int = 150,
) -> End:
    verdicts = {"pre": before, "post": after}
    schedule = schedule_of(configuration)
    return Rollout(function, NEW, schedule, verdicts.__getitem__, alarms, repeat({}), math.inf, requests).run()


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_good_version_gets_all_traffic(configuration: str) -> None:
    function = Function()

    assert release(function, configuration, requests=10).exit_code == COMPLETED
    assert function.alias == [OLD, NEW]


@pytest.mark.parametrize("configuration", [name for name in CONFIGURATIONS if name != NO_MINUTE_TO_WATCH])
def test_a_version_that_fails_one_request_in_five_is_taken_back_by_an_alarm(configuration: str) -> None:
    function = Function(fails_every=5)

    end = release(function, configuration)

    assert end == End(ALARMED, "alarm NewVersionErrors; 15 requests have reached it, 3 of them failed")
    assert function.alias == [OLD, OLD]


def test_all_at_once_is_left_to_the_post_traffic_hook() -> None:
    function = Function(fails_every=5)

    end = release(function, NO_MINUTE_TO_WATCH, after=False)

    assert end.exit_code == REFUSED_AFTER
    assert "150 requests have reached it, 30 of them failed" in end.text
    assert function.alias == [OLD, NEW, OLD]


def test_a_function_that_the_smoke_test_does_not_reach_is_released_without_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    end = release(Function(), NO_MINUTE_TO_WATCH, after=None)

    assert end.exit_code == COMPLETED
    assert "post-traffic hook" not in capsys.readouterr().out


@pytest.mark.parametrize(("function", "expected"), [("ListProductsFunction", True), ("ProcessOrdersFunction", False)])
def test_the_template_says_which_release_ends_with_the_smoke_test(function: str, expected: bool) -> None:
    assert is_smoke_tested(function) is expected


def test_a_version_that_the_first_hook_refuses_gets_no_request() -> None:
    function = Function()

    assert release(function, before=False).exit_code == REFUSED_BEFORE
    assert not function.requests
    assert function.alias[-1] == OLD


@pytest.mark.parametrize("requests", [1, 7, 20])
def test_each_version_gets_its_share_of_the_requests(requests: int) -> None:
    # given a schedule in which the new version gets 10 %, 20 %, ... 90 % and, at the end, everything
    function = Function()

    release(function, requests=requests)

    assert function.requests.total() == 10 * requests
    assert abs(function.requests[NEW] - 5.5 * requests) < 1


@pytest.mark.parametrize(
    "dimensions",
    [
        {**LIVE, "ExecutedVersion": OLD},
        {"FunctionName": "list-products", "ExecutedVersion": NEW},
        {**LIVE, "Resource": "list-products", "ExecutedVersion": NEW},
        {**LIVE, "FunctionName": "get-product", "ExecutedVersion": NEW},
        {"Resource": "list-products:live", "ExecutedVersion": NEW},
    ],
    ids=str,
)
def test_an_alarm_whose_dimensions_lambda_does_not_use_sees_nothing(dimensions: dict[str, str]) -> None:
    assert release(Function(fails_every=5), alarms={"Wrong": alarm(**dimensions)}).exit_code == COMPLETED


@pytest.mark.parametrize("dimensions", [{"FunctionName": "list-products"}, LIVE], ids=str)
def test_an_alarm_on_the_function_or_the_alias_sees_the_errors_too(dimensions: dict[str, str]) -> None:
    assert release(Function(fails_every=5), alarms={"Wide": alarm(**dimensions)}).exit_code == ALARMED


def test_an_interruption_leaves_all_traffic_on_the_old_version() -> None:
    function = Function(interrupt_at=200)

    with pytest.raises(KeyboardInterrupt):
        release(function)

    assert function.alias[-1] == OLD


def test_an_interruption_of_the_last_hook_takes_the_traffic_back() -> None:
    function = Function()

    def accepts(when: str) -> bool:
        if when == "pre":
            return True
        assert function.alias[-1] == NEW
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Rollout(function, NEW, schedule_of("AllAtOnce"), accepts, {}, repeat({}), math.inf, 150).run()

    assert function.alias[-1] == OLD
