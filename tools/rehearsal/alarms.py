"""CloudWatch alarms, evaluated by the rules of "Using Amazon CloudWatch alarms" with its pages "Alarm evaluation" and
"Configuring how CloudWatch alarms treat missing data", Amazon CloudWatch User Guide.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from tools.rehearsal.metrics import Formula, Measurement, Metric, Series, Unsupported

MINUTE = 60


class State(StrEnum):
    """The state of an alarm."""

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

# Properties that do not decide about an alarm's state.
_NOT_EVALUATED = {
    *("AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions", "Tags")
}
_EVALUATED = {
    *("Namespace", "MetricName", "Dimensions", "Period", "Statistic", "ExtendedStatistic", "Metrics", "Threshold"),
    *("ComparisonOperator", "EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData"),
}

# CloudWatch asks for more data points than it evaluates. How many is not documented; the examples of "Configuring how
# CloudWatch alarms treat missing data" have 5 for 3.
_EXTRA_DATA_POINTS = 2


@dataclass(frozen=True)
class Alarm:
    """A metric alarm: some of the last data points, which a formula makes of metrics, must breach a threshold."""

    formula: Formula
    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Return the alarm of an `AWS::CloudWatch::Alarm`, from its properties without intrinsic functions.

        It is `Unsupported` if one of them is not evaluated here (anomaly detection, units, most of metric math).
        """
        unknown = properties.keys() - _EVALUATED - _NOT_EVALUATED
        if unknown:
            raise Unsupported(", ".join(sorted(unknown)))
        formula = Formula(properties["Metrics"] if "Metrics" in properties else [_query_of(properties)])
        periods = int(properties["EvaluationPeriods"])
        # "PutMetricAlarm", Amazon CloudWatch API Reference: DynamoDB's metrics have a default of their own.
        missing = "ignore" if formula.metrics[0].namespace == "AWS/DynamoDB" else "missing"
        alarm = cls(
            formula=formula,
            comparison=properties["ComparisonOperator"],
            threshold=float(properties["Threshold"]),
            evaluation_periods=periods,
            datapoints_to_alarm=int(properties.get("DatapointsToAlarm", periods)),
            treat_missing_data=properties.get("TreatMissingData", missing),
        )
        if alarm.comparison not in _COMPARISONS:
            raise Unsupported(f"ComparisonOperator {alarm.comparison}")
        if alarm.treat_missing_data not in _TREATMENTS:
            raise Unsupported(f"TreatMissingData {alarm.treat_missing_data}")
        return alarm

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that are watched."""
        return self.formula.metrics

    def state(self, measurements: Iterable[Measurement], now: float, before: State = State.INSUFFICIENT_DATA) -> State:
        """Return the state at a time, from all measurements that CloudWatch has by then, and the state before."""
        return self._judge(self.data_points(measurements, now), before)

    def data_points(self, measurements: Iterable[Measurement], now: float) -> Series:
        """Return the data points that are considered at a time, the newest first; `None` where one is missing.

        An alarm is evaluated once a minute (with a period below a minute, every ten seconds), and its periods count
        back from there, not from a multiple of the period ("Alarm evaluation"). The current minute is not in them.
        """
        period = self.formula.period
        every = MINUTE if period >= MINUTE else 10
        end = now // every * every
        points = self.evaluation_periods + _EXTRA_DATA_POINTS
        periods: list[dict[Metric, list[float]]] = [{} for _ in range(points)]
        for one in measurements:
            age = math.ceil((end - one.time) / period) - 1
            if one.metric in self.metrics and 0 <= age < points:
                periods[-1 - age].setdefault(one.metric, []).extend([one.value] * one.count)
        return self.formula.values(periods)[::-1]

    def _judge(self, points: Series, before: State) -> State:
        breaches = _COMPARISONS[self.comparison]
        real = [
            (age, breaches(point, self.threshold)) for age, point in enumerate(points, start=1) if point is not None
        ]
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


def _query_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    metric = {name: properties[name] for name in ("Namespace", "MetricName", "Dimensions") if name in properties}
    statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
    return {"Id": "metric", "MetricStat": {"Metric": metric, "Period": properties["Period"], "Stat": statistic}}
