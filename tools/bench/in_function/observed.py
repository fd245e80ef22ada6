"""A handler around a function's own (``OBSERVED_HANDLER``) that measures each invocation, in the function's process.

It is alone in its folder, since that is on the path of the function, whose modules may have any name.
"""

from __future__ import annotations

import importlib
import os
import time
from collections import Counter
from typing import Any

import botocore.handlers
import urllib3.connectionpool


class Observer:
    """Counts AWS calls, and notes when the process waits for an answer over HTTP, AWS's or another's."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.waits: list[tuple[float, float]] = []

    def start(self) -> None:
        """Watch all clients made from now on."""
        # Every session registers these handlers, and every client takes those of its session. A request is created for
        # each attempt, so that retries count ("Event System", boto3 documentation).
        botocore.handlers.BUILTIN_HANDLERS.append(("request-created", self._count))
        # botocore and requests both send by this method.
        send = urllib3.connectionpool.HTTPConnectionPool.urlopen

        def timed(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return send(*args, **options)
            finally:
                self.waits.append((started, time.perf_counter()))

        urllib3.connectionpool.HTTPConnectionPool.urlopen = timed  # type: ignore[method-assign]

    def waited(self) -> float:
        """Return for how many seconds one answer or more was waited for; posts may overlap."""
        total, end = 0.0, 0.0
        for started, ended in sorted(self.waits):
            total += max(0.0, ended - max(started, end))
            end = max(end, ended)
        return total

    def _count(self, event_name: str, **_: Any) -> None:
        self.calls[":".join(event_name.split(".")[1:])] += 1


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer with the own handler's answer, its seconds, and its AWS calls."""
    _OBSERVER.calls.clear()
    _OBSERVER.waits.clear()
    started = time.perf_counter()
    answer = _OWN(event, context)
    seconds = time.perf_counter() - started
    return {"answer": answer, "seconds": seconds, "waited": _OBSERVER.waited(), "calls": dict(_OBSERVER.calls)}


if "OBSERVED_HANDLER" in os.environ:
    _OBSERVER = Observer()
    _OBSERVER.start()
    # The module makes its clients when it is imported.
    _module, _, _name = os.environ["OBSERVED_HANDLER"].rpartition(".")
    _OWN = getattr(importlib.import_module(_module), _name)
