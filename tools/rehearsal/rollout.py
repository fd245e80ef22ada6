"""One release without AWS: runs the hooks, shifts traffic on a schedule, evaluates alarms.

The hooks are the real functions, in the emulator. The rest is done here in CodeDeploy's order ("AppSpec 'hooks'
section", AWS CodeDeploy User Guide): the pre-traffic hook, the shifts, the post-traffic hook. An alarm that fires
between the first shift and the last takes everything back ("Monitoring deployments with CloudWatch alarms in
CodeDeploy", in the same guide).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.console import say, styled
from tools.rehearsal.alarms import MINUTE, Alarm, State
from tools.rehearsal.schedule import Shift, share_at
from tools.rehearsal.traffic import Traffic, Versions

# With 150, the 10 % of a first shift suffice for a version that fails one in five to make three errors in a minute.
REQUESTS_A_MINUTE = 150
_BAR_WIDTH = 20

COMPLETED, REFUSED_BEFORE, ALARMED, REFUSED_AFTER = 0, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks before and after the traffic shifts: each tells whether the release may go on."""

    before: Callable[[], bool]
    after: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time goes by (with 60, a minute lasts a second or as long as its requests take), and how many it has."""

    speed: float = 60.0
    requests: int = REQUESTS_A_MINUTE
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class End:
    """How a release has ended: 0 where the new version has all traffic; each cause of a rollback has its own code."""

    exit_code: int
    text: str


@dataclass
class Rollout:
    """One release of one function: ``target`` is its new version, ``events`` are its requests, again and again."""

    versions: Versions
    target: str
    schedule: list[Shift]
    hooks: Hooks
    alarms: Mapping[str, Alarm]
    events: list[Any]
    pace: Pace

    def __post_init__(self) -> None:
        self._traffic = Traffic(self.versions, self.target, self.events, self.pace.requests)

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
            say(f"{styled('rolled back', 'red')} to version {self.versions.current}: {end.text}")
        else:
            say(f"{styled('completed', 'green')}: {end.text}")
        return end

    def _run(self) -> End:
        if not self._asked("pre-traffic hook", self.hooks.before):
            return End(REFUSED_BEFORE, "the pre-traffic hook refused it, before any request reached it")
        if alarm := self._shift():
            return End(ALARMED, f"alarm {alarm}; {self._traffic.damage}")
        self.versions.point_to(self.target)
        # All traffic is there by now, and an alarm, a minute behind, would come too late: the hook decides.
        self._send(self.schedule[-1].minute, 1.0)
        if not self._asked("post-traffic hook", self.hooks.after):
            return End(REFUSED_AFTER, f"the post-traffic hook refused it; {self._traffic.damage}")
        return End(COMPLETED, f"version {self.target} has all traffic; {self._traffic.damage}")

    def _asked(self, name: str, hook: Callable[[], bool]) -> bool:
        fit = hook()
        say(f"  {name:<18} {styled('Succeeded', 'green') if fit else styled('Failed', 'red')}")
        return fit

    def _shift(self) -> str | None:
        """Send each minute's requests until the last shift; return the alarm that has fired before, if one has."""
        # With the last shift the release is over but for its hook: AllAtOnce has no minute that an alarm could see.
        for minute in range(self.schedule[-1].minute):
            started = time.monotonic()
            self._send(minute, share_at(self.schedule, minute))
            for name, alarm in self.alarms.items():
                if alarm.state(self._traffic.measurements, (minute + 1) * MINUTE, State.OK) is State.ALARM:
                    return name
            self.pace.wait(max(0.0, MINUTE / self.pace.speed - (time.monotonic() - started)))
        return None

    def _send(self, minute: int, share: float) -> None:
        reached, failed = self._traffic.minute(minute, share)
        new = round(share * _BAR_WIDTH)
        bar = styled("█" * new, "cyan") + "░" * (_BAR_WIDTH - new)
        errors = styled("▪" * failed, "red") or "none"
        say(f"  minute {minute:>3}  {bar} {share:>4.0%} new, {reached:>3} requests to it, errors: {errors}")
