"""Simulated releases of a bad version (`docs/releases.md` explains the model).

Requests come evenly; the alias gives each of them to one version or the other by chance; the bad version fails a share
of its requests. Each minute's `Errors` reach CloudWatch some time after the minute has ended, and the alarm itself
judges them, once a minute. An alarm that fires while the deployment lasts stops it; CodeDeploy needs a moment to put
the alias back. A deployment lasts until its smoke test, which follows the last shift, has ended. A failure that neither
has found goes on until a person stops it.
"""

import math
import statistics
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from random import Random

from tools.rehearsal.alarms import MINUTE, Measurement, State
from tools.rehearsal.assumptions import ERRORS, Assumptions
from tools.rehearsal.schedule import schedule_of, share_at


class StoppedBy(StrEnum):
    """What ends a bad release."""

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
        """Serve traffic until the alarm fires or the deployment ends; return when that is, and whether it fires."""
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
        self._measurements.append(Measurement(ERRORS, start // MINUTE * MINUTE, failed))
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
