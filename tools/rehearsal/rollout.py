"""One release without AWS, in CodeDeploy's order ("AppSpec 'hooks' section" and "Monitoring deployments with CloudWatch
alarms in CodeDeploy", AWS CodeDeploy User Guide).
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tools.console import folded, say, styled
from tools.rehearsal.alarms import MINUTE, Alarm, State
from tools.rehearsal.metrics import Measurement, Metric
from tools.rehearsal.schedule import Shift, share_at
from tools.rehearsal.versions import ALIAS, Call, Versions

_BAR_WIDTH = 20
_AT_ONCE = 4

COMPLETED, REFUSED_BEFORE, ALARMED, REFUSED_AFTER = 0, 3, 4, 5


@dataclass(frozen=True, slots=True)
class End:
    """How a release has ended: 0 where the new version has all traffic; each cause of a rollback has its own code."""

    exit_code: int
    text: str


@dataclass
class Rollout:
    """One release of one function, whose new version is ``target``.

    ``accepts`` calls the hook before or after the shifts (``pre``, ``post``), and tells whether the release may go on;
    it is `None` without such a hook.
    ``events`` are the function's ``requests`` of each minute, without an end. With a ``speed`` of 60, a minute lasts a
    second or as long as its requests take.
    """

    versions: Versions
    target: str
    schedule: list[Shift]
    accepts: Callable[[str], bool | None]
    alarms: Mapping[str, Alarm]
    events: Iterator[Any]
    speed: float
    requests: int

    def __post_init__(self) -> None:
        self._measurements: list[Measurement] = []
        self._owed = self._reached = self._failed = 0

    def run(self) -> End:
        """Release the version or take it back; even an interruption leaves the alias on one of the two."""
        try:
            end = self._run()
        except BaseException:
            self.versions.point_to(self.versions.current)
            say(f"\ninterrupted: all traffic is on version {self.versions.current}")
            raise
        if end.exit_code:
            self.versions.point_to(self.versions.current)
            say(folded(f"{styled('rolled back', 'red')} to version {self.versions.current}: {end.text}"))
        else:
            say(folded(f"{styled('completed', 'green')}: {end.text}"))
        return end

    def _run(self) -> End:
        if not self._asked("pre"):
            return End(REFUSED_BEFORE, "the pre-traffic hook refused it, before any request reached it")
        if alarm := self._shift():
            return End(ALARMED, f"alarm {alarm}; {self._damage}")
        self.versions.point_to(self.target)
        # All traffic is there by now, and an alarm, a minute behind, would come too late: the hook decides.
        self._send(self.schedule[-1].minute)
        if not self._asked("post"):
            return End(REFUSED_AFTER, f"the post-traffic hook refused it; {self._damage}")
        return End(COMPLETED, f"version {self.target} has all traffic; {self._damage}")

    def _asked(self, when: str) -> bool:
        fit = self.accepts(when)
        if fit is None:
            return True
        say(f"  {f'{when}-traffic hook':<18} {styled('Succeeded', 'green') if fit else styled('Failed', 'red')}")
        return fit

    def _shift(self) -> str | None:
        """Send each minute's requests until the last shift; return the alarm that has fired before, if one has."""
        # With the last shift the release is over but for its hook: AllAtOnce has no minute that an alarm could see.
        for minute in range(self.schedule[-1].minute):
            started = time.monotonic()
            self._send(minute)
            for name, alarm in self.alarms.items():
                if alarm.state(self._measurements, (minute + 1) * MINUTE, State.OK) is State.ALARM:
                    return name
            time.sleep(max(0.0, MINUTE / self.speed - (time.monotonic() - started)))
        return None

    def _send(self, minute: int) -> None:
        """Send a minute's requests, to each version by its number: the emulator does not know an alias's weights."""
        share = share_at(self.schedule, minute)
        # The fraction of a request, in hundredths, goes to the next minute: 10 % of 5 is one in every other minute.
        self._owed += round(self.requests * share * 100)
        to_new, self._owed = divmod(self._owed, 100)
        versions = [self.target] * to_new + [self.versions.current] * (self.requests - to_new)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            calls = list(pool.map(self.versions.invoke, versions, islice(self.events, self.requests)))
        counted = Counter(
            measured
            for version, call in zip(versions, calls, strict=True)
            for measured in _metrics(self.versions.name, version, call, weighted=0 < share < 1)
        )
        middle = minute * MINUTE + MINUTE / 2
        self._measurements += [Measurement(metric, middle, value, count) for (metric, value), count in counted.items()]
        failed = sum(call.failed for call in calls[:to_new])
        self._reached += to_new
        self._failed += failed
        _show(minute, share, to_new, failed)

    @property
    def _damage(self) -> str:
        return f"{self._reached} requests have reached it, {self._failed} of them failed"


def _show(minute: int, share: float, reached: int, failed: int) -> None:
    width = round(share * _BAR_WIDTH)
    bar = styled("█" * width, "cyan") + "░" * (_BAR_WIDTH - width)
    errors = styled("▪" * failed, "red") or "none"
    say(f"  minute {minute:>3}  {bar} {share:>4.0%} new, {reached:>3} requests to it, errors: {errors}")


def _metrics(function: str, version: str, call: Call, *, weighted: bool) -> Iterator[tuple[Metric, float]]:
    """Yield the metrics of a call, with their values.

    "Types of metrics for Lambda functions", AWS Lambda Developer Guide: by function, and by alias; while an alias is
    weighted, also by the version that was executed.
    """
    of_function, of_version = {"FunctionName": function}, {"ExecutedVersion": version}
    of_alias = of_function | {"Resource": f"{function}:{ALIAS}"}
    for dimensions in (of_function, of_alias, of_alias | of_version)[: 3 if weighted else 2]:
        yield Metric.of("AWS/Lambda", "Errors", dimensions), call.error
        yield Metric.of("AWS/Lambda", "Duration", dimensions), call.milliseconds
    # Functions count faults by these dimensions (storefront.shared.observability), and send no zeros.
    for dimensions in (of_function, of_function | of_version) if call.faults else ():
        yield Metric.of("Storefront", "Faults", dimensions), call.faults
