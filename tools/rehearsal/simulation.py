"""Simulated releases of a bad version: `docs/releases.md` explains the model."""

import math
import statistics
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import Any

from tools.console import Problem
from tools.rehearsal.alarms import MINUTE, Alarm, State
from tools.rehearsal.metrics import Formula, Measurement
from tools.rehearsal.schedule import schedule_of, share_at

_ERRORS = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [
        {"Name": "FunctionName", "Value": "f"},
        {"Name": "Resource", "Value": "f:live"},
        {"Name": "ExecutedVersion", "Value": "2"},
    ],
}
_FEWEST_RUNS = 20


def _input(default: Any, about: str) -> Any:
    return field(default=default, metadata={"help": about})


@dataclass(frozen=True)
class Assumptions:
    """The assumptions of the simulation; each field's `help` tells the command line about it, units included."""

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
        if self.requests_per_second <= 0 or self.requests_per_customer < 1 or self.runs < _FEWEST_RUNS:
            raise Problem(
                "there must be requests per second, at least one per customer, "
                f"and at least {_FEWEST_RUNS} runs to take the median of"
            )
        if min(self.metric_delay, self.reaction, self.smoke_requests, self.smoke_duration, self.person) < 0:
            raise Problem("no delay and no number of requests is below 0")

    @cached_property
    def alarm(self) -> Alarm:
        """The alarm on the new version's errors."""
        errors = {"Metric": _ERRORS, "Period": self.alarm_period, "Stat": "Sum"}
        return Alarm(
            Formula(
                [
                    {"Id": "failed", "Expression": "FILL(errors, 0)"},
                    {"Id": "errors", "MetricStat": errors, "ReturnData": False},
                ]
            ),
            comparison="GreaterThanOrEqualToThreshold",
            threshold=self.threshold,
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            treat_missing_data="notBreaching",
        )


class StoppedBy(StrEnum):
    """The cause that ends a bad release."""

    ALARM = "alarm"
    SMOKE_TEST = "smoke test"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Release:
    """How one release went: minutes from its first shift to its end, failed requests, customers who met one."""

    stopped_by: StoppedBy
    minutes: float
    failed: float
    customers: float


@dataclass(frozen=True, slots=True)
class Line:
    """Many releases of one kind."""

    configuration: str
    error_rate: float
    releases: tuple[Release, ...]

    def stopped_by(self, what: StoppedBy) -> float:
        """Return the share of the releases that this has ended."""
        return sum(release.stopped_by is what for release in self.releases) / len(self.releases)

    def quantiles(self, measure: str) -> tuple[float, float, float]:
        """Return the 5th percentile, the median and the 95th percentile of a measure."""
        values = [getattr(release, measure) for release in self.releases]
        cuts = statistics.quantiles(values, n=20, method="inclusive")
        return cuts[0], cuts[9], cuts[18]


def simulated(configuration: str, error_rate: float, assumptions: Assumptions) -> Line:
    """Simulate releases; the same assumptions give the same releases."""
    random = Random(f"{assumptions.seed} {configuration} {error_rate}")  # noqa: S311 - a simulation
    releases = tuple(_Simulation(configuration, error_rate, assumptions, random).run() for _ in range(assumptions.runs))
    return Line(configuration, error_rate, releases)


class _Simulation:
    """One release, on a clock whose minutes CloudWatch counts in: it begins somewhere in the first of them."""

    def __init__(self, configuration: str, error_rate: float, assumptions: Assumptions, random: Random) -> None:
        self._schedule = schedule_of(configuration)
        self._error_rate = error_rate
        self._assumptions = assumptions
        self._random = random
        self._start = random.uniform(0, MINUTE)
        self._measurements: list[Measurement] = []
        self._failed = 0.0
        self._customers = 0.0

    def run(self) -> Release:
        given = self._assumptions
        shifted = self._start + self._schedule[-1].minute * MINUTE
        verdict = shifted + given.smoke_duration
        now, fires = self._until_the_alarm(verdict)
        if fires:
            stopped_by, end = StoppedBy.ALARM, now + given.reaction
        elif self._random.random() > (1 - self._error_rate) ** given.smoke_requests:
            stopped_by, end = StoppedBy.SMOKE_TEST, verdict + given.reaction
        else:
            stopped_by, end = StoppedBy.PERSON, shifted + given.person * MINUTE
        self._serve(now, end)
        return Release(stopped_by, (end - self._start) / MINUTE, self._failed, self._customers)

    def _until_the_alarm(self, verdict: float) -> tuple[float, bool]:
        """Serve traffic until the alarm fires or the verdict of the smoke test; return when, and whether it fires."""
        alarm, state, now = self._assumptions.alarm, State.OK, self._start
        for minute in range(1, math.floor(verdict / MINUTE) + 1):
            self._serve(now, minute * MINUTE)
            now = minute * MINUTE
            delivered_by = now - self._assumptions.metric_delay - MINUTE
            state = alarm.state((one for one in self._measurements if one.time <= delivered_by), now, before=state)
            if state is State.ALARM:
                return now, True
        return now, False

    def _serve(self, start: float, end: float) -> None:
        """Let customers send requests, and count failures, from one time to another."""
        shifts = [self._start + shift.minute * MINUTE for shift in self._schedule]
        minutes = [minute * MINUTE for minute in range(math.ceil(start / MINUTE), math.ceil(end / MINUTE))]
        times = sorted({start, end, *(time for time in (*shifts, *minutes) if start < time < end)})
        for begin, until in pairwise(times):
            self._serve_evenly(begin, until)

    def _serve_evenly(self, start: float, end: float) -> None:
        """Do so for a time within one minute and between two shifts."""
        per_customer = self._assumptions.requests_per_customer
        requests = self._assumptions.requests_per_second * (end - start)
        share = share_at(self._schedule, (start - self._start) / MINUTE)
        failed = _successes(self._random, _successes(self._random, round(requests), share), self._error_rate)
        # Lambda gives a minute's metrics the time at which the minute began.
        (errors,) = self._assumptions.alarm.metrics
        self._measurements.append(Measurement(errors, start // MINUTE * MINUTE, failed))
        self._failed += failed
        if requests:
            met_none = max(0, 1 - failed / requests) ** per_customer
            self._customers += requests / per_customer * (1 - met_none)


# Above this variance, a normal distribution does for a binomial one.
_MUCH = 25


def _successes(random: Random, trials: int, chance: float) -> int:
    """Return a sample of the binomial distribution (`random.binomialvariate` comes with Python 3.12)."""
    if chance in (0, 1):
        return round(trials * chance)
    if (variance := trials * chance * (1 - chance)) > _MUCH:
        return min(trials, max(0, round(random.gauss(trials * chance, math.sqrt(variance)))))
    if chance > 0.5:  # noqa: PLR2004 - then it is faster to look for those that do not succeed
        return trials - _successes(random, trials, 1 - chance)
    # From one that succeeds to the next: a sample of the geometric distribution.
    found, position = 0, 0
    while (position := position + 1 + int(math.log(1 - random.random()) / math.log1p(-chance))) <= trials:
        found += 1
    return found
