"""How many customers a bad release reaches under each of CodeDeploy's configurations.

The model (`docs/releases.md` explains it): requests come evenly; the alias gives each of them to one version or the
other by chance, whoever sends it; the bad version fails a share of what it gets. Each minute's `Errors` reach
CloudWatch some time after the minute has ended, and are judged by the alarm itself (`alarms`), once a minute.
An alarm that fires while the deployment lasts stops it; CodeDeploy needs a moment to put the alias back. A deployment
lasts until its smoke test, which follows the last shift, has ended. What neither has found goes on until a person
stops it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from itertools import pairwise
from random import Random

from tools.console import Problem
from tools.rehearsal.alarms import MINUTE, Alarm, Measurement, Metric, State
from tools.rehearsal.schedule import CONFIGURATIONS, schedule_of, share_at

_ERRORS = Metric.of("AWS/Lambda", "Errors", {"FunctionName": "f", "Resource": "f:live", "ExecutedVersion": "2"})

FEWEST_RUNS = 20


class StoppedBy(StrEnum):
    """What ends a bad release."""

    ALARM = "alarm"
    SMOKE_TEST = "smoke test"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the comparison rests on; `help` says the same to the command line, units included."""

    error_rates: tuple[float, ...] = field(
        default=(0.01, 0.05, 0.2, 1.0), metadata={"help": "shares of its requests that the bad version fails, 0 to 1"}
    )
    background_rate: float = field(
        default=0.0001, metadata={"help": "share of its requests that a good version fails, 0 to 1"}
    )
    requests_per_second: float = field(default=20.0, metadata={"help": "requests to the function, per second"})
    requests_per_customer: float = field(
        default=5.0, metadata={"help": "requests that one customer sends to the function, within a minute"}
    )
    alarm_period: int = field(default=60, metadata={"help": "Period of the alarm, in seconds"})
    evaluation_periods: int = field(default=3, metadata={"help": "EvaluationPeriods, a number of periods"})
    datapoints_to_alarm: int = field(default=1, metadata={"help": "DatapointsToAlarm, of those, a number of periods"})
    threshold: float = field(
        default=3.0, metadata={"help": "errors of the new version in a period at which it breaches, a number"}
    )
    metric_delay: float = field(
        default=60.0, metadata={"help": "from the end of a minute until its metric is there, in seconds"}
    )
    reaction: float = field(
        default=30.0, metadata={"help": "from the alarm, or the smoke test's end, until the alias is back, in seconds"}
    )
    smoke_requests: int = field(
        default=15,
        metadata={"help": "requests of the post-traffic smoke test to a catalogue function, a number"},
    )
    smoke_duration: float = field(
        default=15.0, metadata={"help": "from the last shift until the smoke test's verdict, in seconds"}
    )
    person: float = field(
        default=30.0, metadata={"help": "from the last shift until a person has stopped it, in minutes"}
    )
    runs: int = field(default=300, metadata={"help": "simulated releases for each line, a number"})
    seed: int = field(default=1, metadata={"help": "makes the same numbers again, a number"})

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
            metrics=(_ERRORS,),
            period=self.alarm_period,
            statistic="Sum",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=self.threshold,
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            treat_missing_data="notBreaching",
            filled=True,
        )


@dataclass(frozen=True, slots=True)
class Release:
    """How one release went.

    Parameters
    ----------
    minutes
        From the first shift until the old version had all traffic again.
    failed
        Requests that failed.
    customers
        Customers who met at least one of those.
    """

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


@cache
def compare(assumptions: Assumptions) -> tuple[Line, ...]:
    """Simulate bad releases under each configuration, with each error rate."""
    return tuple(
        simulated(configuration, rate, assumptions)
        for configuration in CONFIGURATIONS
        for rate in assumptions.error_rates
    )


@cache
def rolled_back_for_nothing(configuration: str, assumptions: Assumptions) -> float:
    """Return the share of good releases that the alarm or the smoke test ends."""
    good = simulated(configuration, assumptions.background_rate, assumptions)
    return 1 - good.stopped_by(StoppedBy.PERSON)


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
        """Make the release, and return how it went."""
        stopped_by, end = self._stopped()
        return Release(stopped_by, (end - self._start) / MINUTE, self._failed, self._customers)

    def _stopped(self) -> tuple[StoppedBy, float]:
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
        return stopped_by, end

    def _until_the_alarm(self, verdict: float) -> tuple[float, bool]:
        """Serve traffic until the alarm fires or the deployment ends; return when that is, and whether it fires."""
        alarm, state, now = self._assumptions.alarm, State.OK, self._start
        for minute in range(1, math.floor(verdict / MINUTE) + 1):
            self._serve(now, minute * MINUTE)
            now = minute * MINUTE
            state = alarm.state(self._delivered(now), now, before=state)
            if state is State.ALARM:
                return now, True
        return now, False

    def _delivered(self, now: float) -> list[Measurement]:
        by = now - self._assumptions.metric_delay - MINUTE
        return [one for one in self._measurements if one.time <= by]

    def _serve(self, start: float, end: float) -> None:
        """Let customers send requests, and count what fails, from one time to another."""
        shifts = [self._start + shift.minute * MINUTE for shift in self._schedule]
        minutes = [minute * MINUTE for minute in range(math.ceil(start / MINUTE), math.ceil(end / MINUTE))]
        times = sorted({start, end, *(time for time in (*shifts, *minutes) if start < time < end)})
        for begin, until in pairwise(times):
            self._serve_evenly(begin, until)

    def _serve_evenly(self, start: float, end: float) -> None:
        given = self._assumptions
        requests = given.requests_per_second * (end - start)
        share = share_at(self._schedule, (start - self._start) / MINUTE)
        reached = _how_many(self._random, round(requests), share)
        failed = _how_many(self._random, reached, self._error_rate)
        if reached:
            # Lambda gives a minute's metrics the time at which the minute began.
            minute = start // MINUTE * MINUTE
            self._measurements.append(Measurement(_ERRORS, minute, 1, failed))
            self._measurements.append(Measurement(_ERRORS, minute, 0, reached - failed))
        self._failed += failed
        if requests:
            met_none = max(0, 1 - failed / requests) ** given.requests_per_customer
            self._customers += requests / given.requests_per_customer * (1 - met_none)


# Above this variance, a normal distribution does for a binomial one.
_MUCH = 25


def _how_many(random: Random, trials: int, chance: float) -> int:
    """Return how many of so many trials succeed: a sample of the binomial distribution."""
    if chance in (0, 1):
        return round(trials * chance)
    if (variance := trials * chance * (1 - chance)) > _MUCH:
        return min(trials, max(0, round(random.gauss(trials * chance, math.sqrt(variance)))))
    if chance > 0.5:  # noqa: PLR2004 - then it is faster to look for those that do not succeed
        return trials - _how_many(random, trials, 1 - chance)
    # From one that succeeds to the next: a sample of the geometric distribution.
    found, position = 0, 0
    while (position := position + 1 + int(math.log(1 - random.random()) / math.log1p(-chance))) <= trials:
        found += 1
    return found


def as_table(lines: Iterable[Line], assumptions: Assumptions) -> str:
    """Return a Markdown table: for each configuration and error rate, what the release costs."""
    rows = [
        (
            line.configuration,
            _percent(line.error_rate),
            ", ".join(f"{what} {_percent(share)}" for what in StoppedBy if (share := line.stopped_by(what))),
            _range(line.quantiles("minutes"), 1),
            _range(line.quantiles("failed")),
            _range(line.quantiles("customers")),
        )
        for line in lines
    ]
    head = ("configuration", "fails", "stopped by", "minutes", "failed requests", "customers")
    table = _aligned([head, *rows])
    good = _aligned(
        [("configuration", f"good releases rolled back (they fail {_percent(assumptions.background_rate)})")]
        + [(name, _percent(rolled_back_for_nothing(name, assumptions))) for name in CONFIGURATIONS]
    )
    return f"{table}\nMedian, and in brackets what 90 % of the releases lie between.\n\n{good}"


def as_short_table(assumptions: Assumptions) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of the table for the documentation: customers who met an error."""
    lines = compare(assumptions)
    head = ("configuration", *(_percent(rate) for rate in assumptions.error_rates), "a good release is rolled back")
    rows = [
        (
            f"`{name}`",
            *(_range(line.quantiles("customers")) for line in lines if line.configuration == name),
            _percent(rolled_back_for_nothing(name, assumptions)),
        )
        for name in CONFIGURATIONS
    ]
    return head, rows


def as_picture(error_rate: float, assumptions: Assumptions) -> str:
    """Return a Mermaid chart: the median as a line, and as bars what one release in twenty exceeds."""
    lines = compare(replace(assumptions, error_rates=(error_rate,)))
    names = ", ".join(f'"{_short(line.configuration)}"' for line in lines)
    medians = ", ".join(f"{line.quantiles('customers')[1]:.0f}" for line in lines)
    worst = ", ".join(f"{line.quantiles('customers')[2]:.0f}" for line in lines)
    return (
        "```mermaid\nxychart-beta\n"
        f'    title "Customers who meet an error when {_percent(error_rate)} of requests fail"\n'
        f'    x-axis [{names}]\n    y-axis "customers"\n    bar [{worst}]\n    line [{medians}]\n```\n'
    )


def _short(configuration: str) -> str:
    replaced = configuration.replace("Canary10Percent", "C").replace("Linear10PercentEvery", "L")
    return replaced.replace("Minutes", "").replace("Minute", "").replace("AllAtOnce", "All")


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _range(quantiles: tuple[float, float, float], digits: int = 0) -> str:
    low, median, high = (f"{value:.{digits}f}" for value in quantiles)
    return f"{median} ({low} to {high})"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines.insert(1, ["-" * width for width in widths])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
