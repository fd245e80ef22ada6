"""Alarms are evaluated as CloudWatch evaluates them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.rehearsal.alarms import Alarm, State
from tools.rehearsal.metrics import Measurement, Metric, Unsupported

DIMENSIONS = {"FunctionName": "shop", "Resource": "shop:live", "ExecutedVersion": "2"}
METRIC = Metric.of("AWS/Lambda", "Errors", DIMENSIONS)
PROPERTIES: dict[str, Any] = {
    "AlarmDescription": "The new version fails.",
    "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:releases"],
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [{"Name": name, "Value": value} for name, value in DIMENSIONS.items()],
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "EvaluationPeriods": 1,
    "TreatMissingData": "notBreaching",
}


def alarm(**changes: Any) -> Alarm:
    return Alarm.of({name: value for name, value in (PROPERTIES | changes).items() if value is not None})


def measured(*values: float, time: float = 30, metric: Metric = METRIC) -> list[Measurement]:
    return [Measurement(metric, time, value) for value in values]


def minutes(drawn: str) -> list[Measurement]:
    """Return measurements as CloudWatch's documentation draws them, a minute each."""
    return [
        Measurement(METRIC, 60 * minute, 1 if point == "X" else 0)
        for minute, point in enumerate(drawn.split())
        if point != "-"
    ]


# The two tables of "Configuring how CloudWatch alarms treat missing data": missing, ignore, breaching, notBreaching.
ALARM, OK, NO_DATA, RETAINED = State.ALARM, State.OK, State.INSUFFICIENT_DATA, None
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (NO_DATA, RETAINED, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, RETAINED, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, RETAINED, ALARM, OK),
}


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize(
    ("needed", "drawn", "treatment", "expected"),
    [
        (needed, drawn, treatment, state)
        for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
        for drawn, states in table.items()
        for treatment, state in zip(("missing", "ignore", "breaching", "notBreaching"), states, strict=True)
    ],
)
def test_missing_data_is_treated_as_cloudwatch_documents_it(
    needed: int, drawn: str, treatment: str, expected: State | None, before: State
) -> None:
    given_alarm = alarm(EvaluationPeriods=3, DatapointsToAlarm=needed, TreatMissingData=treatment)

    assert given_alarm.state(minutes(drawn), 300, before) == (before if expected is None else expected)


@pytest.mark.parametrize("drawn", ["- - - - X", "- - - X -"])
def test_a_single_data_point_does_not_fire_an_alarm_that_wants_three_before_it_is_three_periods_old(drawn: str) -> None:
    waiting = alarm(EvaluationPeriods=3, TreatMissingData="missing")

    assert waiting.state(minutes(drawn), 300, State.OK) is State.OK


def test_all_data_points_must_breach_where_the_alarm_does_not_say_how_many() -> None:
    assert alarm(EvaluationPeriods=2).state(minutes("0 X"), 120) is State.OK
    assert alarm(EvaluationPeriods=2).state(minutes("X X"), 120) is State.ALARM


def test_missing_data_is_missing_where_the_alarm_does_not_say_what_it_is() -> None:
    assert alarm(TreatMissingData=None).state([], 60, State.OK) is State.INSUFFICIENT_DATA
    assert alarm(TreatMissingData=None, Namespace="AWS/DynamoDB").state([], 60, State.OK) is State.OK


@pytest.mark.parametrize(
    "dimensions",
    [
        {},
        {"FunctionName": "shop"},
        {"FunctionName": "shop", "Resource": "shop:live"},
        DIMENSIONS | {"ExecutedVersion": "1"},
        DIMENSIONS | {"FunctionName": "neighbour"},
        DIMENSIONS | {"Region": "us-east-1"},
    ],
)
def test_other_dimensions_are_another_metric(dimensions: dict[str, str]) -> None:
    neighbour = Metric.of("AWS/Lambda", "Errors", dimensions)

    assert alarm().state(measured(100, metric=neighbour), 60) is State.OK
    assert alarm().state(measured(100), 60) is State.ALARM


@pytest.mark.parametrize(
    "other", [Metric.of("Storefront", "Errors", DIMENSIONS), Metric.of("AWS/Lambda", "Throttles", DIMENSIONS)]
)
def test_another_namespace_or_name_is_another_metric(other: Metric) -> None:
    assert alarm().state(measured(100, metric=other), 60) is State.OK


def test_the_order_of_dimensions_does_not_matter() -> None:
    turned = Metric.of("AWS/Lambda", "Errors", dict(reversed(DIMENSIONS.items())))

    assert alarm().state(measured(1, metric=turned), 60) is State.ALARM


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("Sum", 110), ("Average", 22), ("Minimum", 1), ("Maximum", 100), ("SampleCount", 5),
        ("p50", 3), ("p90", 100), ("p99.9", 100), ("p0", 1), ("p100", 100),
    ],
)  # fmt: skip
def test_a_statistic_makes_a_data_point_of_a_period(statistic: str, value: float) -> None:
    kind = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    given_alarm = alarm(**{"Statistic": None, kind: statistic})

    assert given_alarm.data_points(measured(100, 2, 4, 1, 3), 60)[0] == pytest.approx(value)


@given(values=st.lists(st.sampled_from([0.0, 1.0, 2.5, 40.0]), min_size=1, max_size=30))
@pytest.mark.parametrize("statistic", ["Sum", "Average", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99"])
def test_a_value_with_a_count_is_as_good_as_the_value_so_many_times(statistic: str, values: list[float]) -> None:
    kind = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    given_alarm = alarm(**{"Statistic": None, kind: statistic})
    counted = [Measurement(METRIC, 30, value, values.count(value)) for value in set(values)]

    assert given_alarm.data_points(counted, 60) == pytest.approx(given_alarm.data_points(measured(*values), 60))


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("GreaterThanOrEqualToThreshold", False, True, True),
        ("GreaterThanThreshold", False, False, True),
        ("LessThanThreshold", True, False, False),
        ("LessThanOrEqualToThreshold", True, True, False),
    ],
)
def test_a_data_point_breaches_as_the_comparison_says(comparison: str, below: bool, at: bool, above: bool) -> None:
    given_alarm = alarm(ComparisonOperator=comparison, Threshold=5)

    fires = [given_alarm.state(measured(value), 60) is State.ALARM for value in (4.9, 5, 5.1)]

    assert fires == [below, at, above]


def test_a_period_holds_its_first_moment_and_not_its_last() -> None:
    assert alarm().data_points([*measured(1, time=0), *measured(10, time=59.9), *measured(100, time=60)], 60)[0] == 11


def test_the_minute_that_has_not_ended_does_not_count() -> None:
    assert alarm().state(measured(1, time=70), 119.9) is State.OK
    assert alarm().state(measured(1, time=70), 120) is State.ALARM


def test_a_long_period_ends_at_any_minute() -> None:
    # given five minutes that lie across a multiple of five minutes
    given_alarm = alarm(Period=300, Threshold=4)
    errors = [one for time in (180, 240, 300, 360) for one in measured(1, time=time)]

    # then they are one data point
    assert given_alarm.data_points(errors, 420)[0] == 4
    assert given_alarm.state(errors, 420) is State.ALARM


def test_a_short_period_is_evaluated_every_ten_seconds() -> None:
    given_alarm = alarm(Period=10)

    assert given_alarm.state(measured(1, time=3), 9) is State.OK
    assert given_alarm.state(measured(1, time=3), 10) is State.ALARM


def test_an_alarm_that_fired_stays_for_the_periods_that_cloudwatch_looks_back_when_nothing_more_comes() -> None:
    states = [alarm().state(measured(1), 60 * minute) for minute in range(1, 6)]

    assert states == [State.ALARM, State.ALARM, State.ALARM, State.OK, State.OK]


@pytest.mark.parametrize(
    "changes",
    [
        {"Metrics": [{"Id": "m1", "Expression": "m2 / m3"}]},
        {"Unit": "Count"},
        {"ThresholdMetricId": "ad1"},
        {"EvaluateLowSampleCountPercentile": "ignore"},
        {"Statistic": None, "ExtendedStatistic": "tm99"},
        {"Statistic": None, "ExtendedStatistic": "p101"},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"TreatMissingData": "notbreaching"},
    ],
)
def test_what_is_not_evaluated_here_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        alarm(**changes)


def total(expression: str) -> dict[str, Any]:
    """Return the properties of an alarm on an expression of two metrics."""
    queries = [
        {
            "Id": name.lower(),
            "ReturnData": False,
            "MetricStat": {"Metric": {"Namespace": "N", "MetricName": name}, "Period": 60, "Stat": "Sum"},
        }
        for name in ("Errors", "Faults")
    ]
    return {
        "Metrics": [{"Id": "failed", "Expression": expression}, *queries],
        "Threshold": 3,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "TreatMissingData": "notBreaching",
    }


@pytest.mark.parametrize(
    ("errors", "faults", "state"),
    [(0, 3, State.ALARM), (3, 0, State.ALARM), (1, 2, State.ALARM), (1, 1, State.OK), (0, 0, State.OK)],
)
def test_a_sum_has_what_each_metric_has_and_a_missing_one_is_zero(errors: int, faults: int, state: State) -> None:
    summed = Alarm.of(total("FILL(errors, 0) + FILL(faults, 0)"))
    both = [
        Measurement(Metric.of("N", name, {}), 30, 1, count)
        for name, count in (("Errors", errors), ("Faults", faults))
        if count
    ]

    assert summed.state(both, 60) is state


@pytest.mark.parametrize(
    "expression",
    [
        "errors + faults",
        "FILL(errors, 0) / FILL(faults, 0)",
        "FILL(errors, REPEAT)",
        "FILL(errors, 0) + FILL(others, 0)",
    ],
)
def test_other_metric_math_is_refused(expression: str) -> None:
    with pytest.raises(Unsupported):
        Alarm.of(total(expression))


def of_one_metric(expression: str, **others: str) -> Alarm:
    """Return an alarm on an expression of the errors of each minute, 0 where there are none."""
    properties = total(expression)
    named = [{"Id": name, "Expression": text, "ReturnData": False} for name, text in others.items()]
    return Alarm.of(properties | {"Metrics": [*properties["Metrics"], *named], "Threshold": 1})


def by_minute(values: tuple[int, ...]) -> list[Measurement]:
    return [Measurement(Metric.of("N", "Errors", {}), 60 * minute + 30, value) for minute, value in enumerate(values)]


@pytest.mark.parametrize(
    ("expression", "values", "points"),
    [
        ("FILL(errors, 0) - DIFF(FILL(errors, 0))", (1, 5, 2), [5, 1, None]),
        ("IF(FILL(errors, 0) >= 2, 1, 0)", (1, 2, 3), [1, 1, 0]),
        ("IF(FILL(errors, 0) < 2 AND FILL(errors, 0) > 0, 1, 0)", (0, 1, 2), [0, 1, 0]),
        ("IF(FILL(errors, 0) <= 0 OR FILL(errors, 0) > 1, 1, 0)", (0, 1, 2), [1, 0, 1]),
        ("MIN([FILL(errors, 0), 2])", (1, 2, 3), [2, 2, 1]),
        ("MAX([FILL(errors, 0), 2])", (1, 2, 3), [3, 2, 2]),
        ("filled + 1", (1, 2, 3), [4, 3, 2]),
    ],
)
def test_an_expression_is_evaluated_minute_by_minute(
    expression: str, values: tuple[int, ...], points: list[float | None]
) -> None:
    found = of_one_metric(expression, filled="FILL(errors, 0)").data_points(by_minute(values), 180)

    # The oldest minute that is looked at has none before it.
    assert found[:3] == points


def test_where_a_part_is_missing_the_result_is() -> None:
    found = of_one_metric("DIFF(FILL(errors, 0)) + 1").data_points(by_minute((1,)), 60)

    # The first minute that is looked at has none before it.
    assert found == [2, 1, None]


@pytest.mark.parametrize("expression", ["SUM([errors])", "FILL(errors, 0) * 2", "ABS(FILL(errors, 0))", "FILL(errors"])
def test_a_function_or_an_operator_that_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(Unsupported):
        Alarm.of(total(expression))
