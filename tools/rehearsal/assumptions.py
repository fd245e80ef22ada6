"""The inputs of the comparison of configurations."""

from dataclasses import dataclass, field
from typing import Any

from tools.console import Problem
from tools.rehearsal.alarms import MINUTE, Alarm, Metric

ERRORS = Metric.of("AWS/Lambda", "Errors", {"FunctionName": "f", "Resource": "f:live", "ExecutedVersion": "2"})
FEWEST_RUNS = 20


def _input(default: Any, about: str) -> Any:
    return field(default=default, metadata={"help": about})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the comparison rests on; each field's `help` tells the command line about it, units included."""

    error_rates: tuple[float, ...] = _input(
        (0.01, 0.05, 0.2, 1.0), "shares of its requests that the bad version fails, 0 to 1"
    )
    background_rate: float = _input(0.0001, "share of its requests that a good version fails, 0 to 1")
    requests_per_second: float = _input(20.0, "requests to the function, per second")
    requests_per_customer: float = _input(5.0, "requests that one customer sends to the function, within a minute")
    alarm_period: int = _input(60, "Period of the alarm, in seconds")
    evaluation_periods: int = _input(3, "EvaluationPeriods, a number of periods")
    datapoints_to_alarm: int = _input(1, "DatapointsToAlarm, of those, a number of periods")
    threshold: float = _input(3.0, "errors of the new version in a period at which it breaches, a number")
    metric_delay: float = _input(60.0, "from the end of a minute until its metric is there, in seconds")
    reaction: float = _input(30.0, "from the alarm, or the smoke test's end, until the alias is back, in seconds")
    smoke_requests: int = _input(15, "requests of the post-traffic smoke test to a catalogue function, a number")
    smoke_duration: float = _input(15.0, "from the last shift until the smoke test's verdict, in seconds")
    person: float = _input(30.0, "from the last shift until a person has stopped it, in minutes")
    runs: int = _input(300, "simulated releases for each line, a number")
    seed: int = _input(1, "makes the same numbers again, a number")

    def __post_init__(self) -> None:
        object.__setattr__(self, "error_rates", tuple(self.error_rates))
        if not all(0 <= rate <= 1 for rate in (*self.error_rates, self.background_rate)):
            raise Problem("an error rate is a share from 0 to 1: 0.2 for one request in five")
        if self.alarm_period <= 0 or self.alarm_period % MINUTE:
            raise Problem("the alarm's period is a multiple of 60 seconds: Lambda's metrics come once a minute")
        if not 1 <= self.datapoints_to_alarm <= self.evaluation_periods:
            raise Problem("the alarm needs from 1 to all of its evaluation periods to breach")
        if self.requests_per_second <= 0 or self.requests_per_customer < 1 or self.runs < FEWEST_RUNS:
            raise Problem(
                "there must be requests per second, at least one per customer, "
                f"and at least {FEWEST_RUNS} runs to take the median of"
            )
        if min(self.metric_delay, self.reaction, self.smoke_requests, self.smoke_duration, self.person) < 0:
            raise Problem("no delay and no number of requests is below 0")

    @property
    def alarm(self) -> Alarm:
        """The alarm on the new version's errors."""
        return Alarm(
            metrics=(ERRORS,),
            period=self.alarm_period,
            statistic="Sum",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=self.threshold,
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            treat_missing_data="notBreaching",
            filled=True,
        )
