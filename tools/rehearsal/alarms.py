"""CloudWatch alarms as the template has them, evaluated over measurements: whether one fires, and when.

The rules are those of "Using Amazon CloudWatch alarms" with its pages "Alarm evaluation" and "Configuring how
CloudWatch alarms treat missing data", Amazon CloudWatch User Guide. A feature that is not evaluated here (most of
metric math, anomaly detection, units, trimmed statistics) is refused, never ignored.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from tools.rehearsal.metric_math import Formula
from tools.rehearsal.metrics import Measurement, Metric, Statistic, Unsupported, statistic_of

__all__ = ["MINUTE", "Alarm", "Measurement", "Metric", "State", "Unsupported"]

MINUTE = 60


class State(StrEnum):
    """What an alarm says."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

# What an alarm is called, says and does decides nothing about its state.
_NOT_EVALUATED = frozenset(
    {"AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions", "Tags"}
)
_EVALUATED = frozenset(
    {
        "Namespace", "MetricName", "Dimensions", "Period", "Statistic", "ExtendedStatistic", "Threshold",
        "ComparisonOperator", "EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData", "Metrics",
    }
)  # fmt: skip

# CloudWatch asks for more data points than it evaluates. How many is not documented; the examples of "Configuring how
# CloudWatch alarms treat missing data" have 5 for 3.
_EXTRA_DATA_POINTS = 2


@dataclass(frozen=True)
class Alarm:
    """A metric alarm, on one metric or on a formula of several: some of the last data points must breach a threshold.

    The statistic (`Sum`, `p99`, ...) makes a data point of the measurements in a period of seconds. Where a metric is
    `filled`, it counts as 0 without measurements, so that no data point is missing. `queries` has the metrics of the
    formula by their names in it, each with its statistic.
    """

    metrics: tuple[Metric, ...]
    period: int
    statistic: str
    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str
    filled: bool = False
    formula: Formula | None = None
    queries: Mapping[str, tuple[Metric, str]] = field(default_factory=dict)
    _statistic: Statistic = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_statistic", statistic_of(self.statistic))
        for _, statistic in self.queries.values():
            statistic_of(statistic)
        if self.comparison not in _COMPARISONS:
            raise Unsupported(f"ComparisonOperator {self.comparison}")
        if self.treat_missing_data not in _TREATMENTS:
            raise Unsupported(f"TreatMissingData {self.treat_missing_data}")

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Return the alarm of an `AWS::CloudWatch::Alarm`, from its properties without intrinsic functions.

        Raises
        ------
        Unsupported
            It has a property that is not evaluated here.
        """
        unknown = properties.keys() - _EVALUATED - _NOT_EVALUATED
        if unknown:
            raise Unsupported(", ".join(sorted(unknown)))
        formula, queries = _math_of(properties["Metrics"]) if "Metrics" in properties else (None, {})
        if formula:
            metrics = tuple(dict.fromkeys(metric for metric, _ in queries.values()))
            period, statistic = _period_of(properties["Metrics"]), "Sum"
        else:
            metrics, period = (_metric_of(properties),), int(properties["Period"])
            statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
        periods = int(properties["EvaluationPeriods"])
        # "PutMetricAlarm", Amazon CloudWatch API Reference: DynamoDB's metrics have a default of their own.
        missing = "ignore" if metrics[0].namespace == "AWS/DynamoDB" else "missing"
        return cls(
            metrics=metrics,
            period=period,
            statistic=statistic,
            comparison=properties["ComparisonOperator"],
            threshold=float(properties["Threshold"]),
            evaluation_periods=periods,
            datapoints_to_alarm=int(properties.get("DatapointsToAlarm", periods)),
            treat_missing_data=properties.get("TreatMissingData", missing),
            formula=formula,
            queries=queries,
        )

    def state(self, measurements: Iterable[Measurement], now: float, before: State = State.INSUFFICIENT_DATA) -> State:
        """Return the state at a time, from all measurements that CloudWatch has by then, and the state before."""
        return self._judge(self.data_points(measurements, now), before)

    def data_points(self, measurements: Iterable[Measurement], now: float) -> list[float | None]:
        """Return the data points that are considered at a time, the newest first; `None` where one is missing.

        An alarm is evaluated once a minute (with a period below a minute, every ten seconds), and its periods count
        back from there, not from a multiple of the period ("Alarm evaluation"). The current minute is not in them.
        """
        every = MINUTE if self.period >= MINUTE else 10
        end = now // every * every
        points = self.evaluation_periods + _EXTRA_DATA_POINTS
        periods: list[dict[Metric, list[Measurement]]] = [{} for _ in range(points)]
        for one in measurements:
            age = math.ceil((end - one.time) / self.period) - 1
            if one.metric in self.metrics and 0 <= age < points:
                periods[age].setdefault(one.metric, []).append(one)
        if self.formula:
            values = {
                name: [_measured(period, *query) for period in reversed(periods)]
                for name, query in self.queries.items()
            }
            return [*reversed(self.formula.values(values))]
        return [self._data_point(period) for period in periods]

    def _data_point(self, period: Mapping[Metric, list[Measurement]]) -> float | None:
        if not period and not self.filled:
            return None
        return sum(self._statistic(values) for values in period.values())

    def _judge(self, points: list[float | None], before: State) -> State:
        real = [(age, self._breaches(point)) for age, point in enumerate(points, start=1) if point is not None]
        real = real[: self.evaluation_periods]
        breaching = sum(breaches for _, breaches in real)
        # Missing data points are filled in only where the older data points do not suffice.
        if self.treat_missing_data == "breaching":
            breaching += self.evaluation_periods - len(real)
        if breaching >= self.datapoints_to_alarm:
            return State.ALARM
        complete = len(real) == self.evaluation_periods or self.treat_missing_data in ("breaching", "notBreaching")
        if complete or not all(breaches for _, breaches in real):
            return State.OK
        if self.treat_missing_data == "ignore":
            return before
        if not real:
            return State.INSUFFICIENT_DATA
        # "Avoiding premature transitions to alarm state": too few data points, and none of them within the threshold.
        oldest, _ = real[-1]
        return State.ALARM if oldest >= self.datapoints_to_alarm else State.OK

    def _breaches(self, point: float) -> bool:
        return _COMPARISONS[self.comparison](point, self.threshold)


def _metric_of(description: Mapping[str, Any]) -> Metric:
    dimensions = {each["Name"]: each["Value"] for each in description.get("Dimensions", [])}
    return Metric.of(description["Namespace"], description["MetricName"], dimensions)


def _measured(period: Mapping[Metric, list[Measurement]], metric: Metric, statistic: str) -> float | None:
    return statistic_of(statistic)(period[metric]) if metric in period else None


def _math_of(queries: list[Mapping[str, Any]]) -> tuple[Formula, dict[str, tuple[Metric, str]]]:
    """Return the expressions of an alarm, and the metrics that they name."""
    returned = [query["Id"] for query in queries if query.get("ReturnData", True)]
    sources = {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
    if len(returned) != 1 or any("Unit" in source for source in sources.values()):
        raise Unsupported("metric math that returns more than one value, or asks for a unit")
    expressions = {query["Id"]: query["Expression"] for query in queries if "Expression" in query}
    metrics = {name: (_metric_of(source["Metric"]), source["Stat"]) for name, source in sources.items()}
    return Formula(returned[0], expressions, frozenset(metrics)), metrics


def _period_of(queries: list[Mapping[str, Any]]) -> int:
    """Return the period that the metrics of an alarm share."""
    periods = {int(query["MetricStat"]["Period"]) for query in queries if "MetricStat" in query}
    if len(periods) != 1:
        raise Unsupported("metric math with metrics of several periods")
    return periods.pop()
