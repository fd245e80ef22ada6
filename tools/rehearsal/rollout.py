"""Watches a release without AWS: publishes a version, runs the hooks, shifts traffic on a schedule, evaluates alarms.

The hooks are the real functions, in the emulator. What CodeDeploy does is done here, in the order of "AppSpec 'hooks'
section", AWS CodeDeploy User Guide: the pre-traffic hook, the shifts, the post-traffic hook. An alarm that fires
between the first shift and the last takes everything back ("Monitoring deployments with CloudWatch alarms in
CodeDeploy", in the same guide).

A minute lasts `60 / speed` seconds, or as long as its requests take. They are sent to the old and the new version by
qualifier, in the proportion of the minute: the emulator does not know an alias's weights.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Protocol

from tools.console import say, styled
from tools.rehearsal.alarms import MINUTE, Alarm, Measurement, Metric, State
from tools.rehearsal.schedule import Shift, share_at
from tools.rehearsal.versions import ALIAS, Call

# Of so many, 10 % are enough for a version that fails one in five to make three errors in a minute.
REQUESTS_A_MINUTE = 150
_BAR_WIDTH = 20
_AT_ONCE = 4


class Versions(Protocol):
    """The function that is released."""

    name: str
    current: str

    def invoke(self, version: str, event: Any) -> Call: ...  # noqa: D102
    def point_to(self, version: str) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is asked before and after the traffic shifts: each tells whether the release may go on."""

    before: Callable[[], bool]
    after: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time goes by, and how many requests a minute has.

    Attributes
    ----------
    speed
        How many times faster than in life: with 60 a minute lasts a second.
    requests
        Requests in a minute, to both versions together.
    wait
        Waits for so many seconds.
    """

    speed: float = 60.0
    requests: int = REQUESTS_A_MINUTE
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class End:
    """How a release has ended.

    Attributes
    ----------
    exit_code
        0 where the new version has all traffic; each cause of a rollback has its own.
    text
        What has happened, and why.
    """

    exit_code: int
    text: str


COMPLETED = 0
REFUSED_BEFORE = 3
ALARMED = 4
REFUSED_AFTER = 5


@dataclass
class Traffic:
    """The requests of one release, and what CloudWatch would have of them."""

    versions: Versions
    target: str
    events: Iterator[Any]
    per_minute: int
    measurements: list[Measurement] = field(default_factory=list)
    reached: int = 0
    hit: int = 0
    _owed: float = 0.0

    def minute(self, number: int, share: float) -> tuple[int, int]:
        """Send a minute's requests; return how many the new version got, and how many of them failed."""
        # What is left of a request is carried to the next minute: 10 % of 5 requests is one in every other minute.
        self._owed += self.per_minute * share
        to_new = int(self._owed + 1e-9)
        self._owed -= to_new
        events = [next(self.events) for _ in range(self.per_minute)]
        versions = [self.target] * to_new + [self.versions.current] * (self.per_minute - to_new)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            calls = list(pool.map(self.versions.invoke, versions, events))
        new, old = calls[:to_new], calls[to_new:]
        self._measure(number, self.versions.current, old, weighted=0 < share < 1)
        self._measure(number, self.target, new, weighted=0 < share < 1)
        failed = sum(call.failed for call in new)
        self.reached += to_new
        self.hit += failed
        return to_new, failed

    def _measure(self, number: int, version: str, calls: list[Call], *, weighted: bool) -> None:
        # "Types of metrics for Lambda functions", AWS Lambda Developer Guide: by function, and by alias; while an alias
        # is weighted, also by the version that was executed.
        function = {"FunctionName": self.versions.name}
        alias = function | {"Resource": f"{self.versions.name}:{ALIAS}"}
        sets = [function, alias, *([alias | {"ExecutedVersion": version}] if weighted else [])]
        values = {
            "Invocations": Counter(1.0 for _ in calls),
            "Errors": Counter(float(call.error) for call in calls),
            "Duration": Counter(call.milliseconds for call in calls),
        }
        self.measurements += [
            Measurement(Metric.of("AWS/Lambda", name, dimensions), number * MINUTE + MINUTE / 2, value, count)
            for dimensions in sets
            for name, counts in values.items()
            for value, count in counts.items()
        ]
        # What functions count themselves, by the dimensions that they do it by (storefront.shared.observability).
        self.measurements += [
            Measurement(Metric.of("Storefront", "Faults", dimensions), number * MINUTE + MINUTE / 2, call.faults)
            for call in calls
            if call.faults
            for dimensions in (function, function | {"ExecutedVersion": version})
        ]


class Rollout:
    """One release of one function.

    Parameters
    ----------
    versions
        The function.
    target
        Its new version.
    schedule
        When which share of the traffic goes to it.
    hooks
        Who is asked.
    alarms
        The deployment group's alarms, by their names.
    events
        The requests, without end.
    """

    def __init__(
        self,
        versions: Versions,
        target: str,
        schedule: list[Shift],
        hooks: Hooks,
        alarms: dict[str, Alarm],
        events: list[Any],
        pace: Pace,
    ) -> None:
        self._versions = versions
        self._target = target
        self._schedule = schedule
        self._hooks = hooks
        self._alarms = alarms
        self._pace = pace
        self._traffic = Traffic(versions, target, cycle(events), pace.requests)

    def run(self) -> End:
        """Release the version or take it back; whatever comes in between, the alias is left on one of the two."""
        try:
            end = self._run()
        except BaseException:
            self._versions.point_to(self._versions.current)
            say(f"\ninterrupted: all traffic is on version {self._versions.current}")
            raise
        if end.exit_code:
            self._versions.point_to(self._versions.current)
            say(f"{styled('rolled back', 'red')} to version {self._versions.current}: {end.text}")
        else:
            say(f"{styled('completed', 'green')}: {end.text}")
        return end

    def _run(self) -> End:
        if not self._asked("pre-traffic hook", self._hooks.before):
            return End(REFUSED_BEFORE, "the pre-traffic hook refused it, before any request reached it")
        alarm = self._shift()
        if alarm:
            return End(ALARMED, f"alarm {alarm}; {self._damage()}")
        self._versions.point_to(self._target)
        # Everything goes there by now, and an alarm, a minute behind, would come too late: it is up to the hook.
        self._send(self._schedule[-1].minute, 1.0)
        if not self._asked("post-traffic hook", self._hooks.after):
            return End(REFUSED_AFTER, f"the post-traffic hook refused it; {self._damage()}")
        return End(COMPLETED, f"version {self._target} has all traffic; {self._damage()}")

    def _asked(self, name: str, hook: Callable[[], bool]) -> bool:
        fit = hook()
        say(f"  {name:<18} {styled('Succeeded', 'green') if fit else styled('Failed', 'red')}")
        return fit

    def _shift(self) -> str | None:
        """Send each minute's requests until the last shift; return the alarm that has fired before, if one has."""
        # With the last shift the release is over but for its hook: AllAtOnce has no minute that an alarm could see.
        for minute in range(self._schedule[-1].minute):
            started = time.monotonic()
            self._send(minute, share_at(self._schedule, minute))
            fired = self._fired(minute + 1)
            if fired:
                return fired
            self._pace.wait(max(0.0, MINUTE / self._pace.speed - (time.monotonic() - started)))
        return None

    def _send(self, minute: int, share: float) -> None:
        reached, failed = self._traffic.minute(minute, share)
        new = round(share * _BAR_WIDTH)
        bar = styled("█" * new, "cyan") + "░" * (_BAR_WIDTH - new)
        errors = styled("▪" * failed, "red") or "none"
        say(f"  minute {minute:>3}  {bar} {share:>4.0%} new, {reached:>3} requests to it, errors: {errors}")

    def _fired(self, minute: int) -> str | None:
        for name, alarm in self._alarms.items():
            if alarm.state(self._traffic.measurements, minute * MINUTE, State.OK) is State.ALARM:
                return name
        return None

    def _damage(self) -> str:
        return f"{self._traffic.reached} requests have reached it, {self._traffic.hit} of them failed"
