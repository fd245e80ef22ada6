"""The requests of one release, and the metrics that CloudWatch would have of them."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any, Protocol

from tools.rehearsal.alarms import MINUTE, Measurement, Metric
from tools.rehearsal.versions import ALIAS, Call

_AT_ONCE = 4


class Versions(Protocol):
    """The function that is released."""

    name: str
    current: str

    def invoke(self, version: str, event: Any) -> Call: ...  # noqa: D102
    def point_to(self, version: str) -> None: ...  # noqa: D102


class Traffic:
    """Sends requests to both versions by qualifier: the emulator does not know an alias's weights."""

    def __init__(self, versions: Versions, target: str, events: list[Any], per_minute: int) -> None:
        self._versions = versions
        self._target = target
        self._events = cycle(events)
        self._per_minute = per_minute
        self._owed = self._reached = self._failed = 0
        self.measurements: list[Measurement] = []

    @property
    def damage(self) -> str:
        """How many requests the new version had, in words."""
        return f"{self._reached} requests have reached it, {self._failed} of them failed"

    def minute(self, number: int, share: float) -> tuple[int, int]:
        """Send a minute's requests; return how many the new version got, and how many of them failed."""
        # The fraction of a request, in hundredths, goes to the next minute: 10 % of 5 is one in every other minute.
        self._owed += round(self._per_minute * share * 100)
        to_new, self._owed = divmod(self._owed, 100)
        versions = [self._target] * to_new + [self._versions.current] * (self._per_minute - to_new)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            calls = list(pool.map(self._versions.invoke, versions, islice(self._events, self._per_minute)))
        new, old = calls[:to_new], calls[to_new:]
        weighted = 0 < share < 1
        self._measure(number, self._versions.current, old, weighted=weighted)
        self._measure(number, self._target, new, weighted=weighted)
        failed = sum(call.failed for call in new)
        self._reached += to_new
        self._failed += failed
        return to_new, failed

    def _measure(self, number: int, version: str, calls: list[Call], *, weighted: bool) -> None:
        # "Types of metrics for Lambda functions", AWS Lambda Developer Guide: by function, and by alias; while an alias
        # is weighted, also by the version that was executed.
        function = {"FunctionName": self._versions.name}
        alias = function | {"Resource": f"{self._versions.name}:{ALIAS}"}
        by_lambda = [function, alias, *([alias | {"ExecutedVersion": version}] if weighted else [])]
        self._add(number, "AWS/Lambda", "Invocations", by_lambda, Counter(1.0 for _ in calls))
        self._add(number, "AWS/Lambda", "Errors", by_lambda, Counter(float(call.error) for call in calls))
        self._add(number, "AWS/Lambda", "Duration", by_lambda, Counter(call.milliseconds for call in calls))
        # Functions count faults by these dimensions (storefront.shared.observability), and send no zeros.
        by_function = [function, function | {"ExecutedVersion": version}]
        faults = Counter(float(call.faults) for call in calls if call.faults)
        self._add(number, "Storefront", "Faults", by_function, faults)

    def _add(
        self, number: int, namespace: str, name: str, dimensions: list[dict[str, str]], counts: Counter[float]
    ) -> None:
        self.measurements += [
            Measurement(Metric.of(namespace, name, each), number * MINUTE + MINUTE / 2, value, count)
            for each in dimensions
            for value, count in counts.items()
        ]
