"""Runs one handler in a process of its own and measures its invocations; a script, without the rest of this package.

It is started in a function's package, by Python as the runtime has it, with a handler and its timeout in seconds. Each
line it reads is an event, each line it writes what came of it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import uuid
from collections import Counter
from typing import Any

import botocore.handlers
import urllib3.connectionpool


class Context:
    """What Lambda gives a handler beside the event."""

    def __init__(self, seconds: float) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.memory_limit_in_mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"
        self.aws_request_id = str(uuid.uuid4())
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left until the timeout."""
        return max(0, int((self._until - time.monotonic()) * 1000))


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

    def reset(self) -> None:
        """Forget what was seen."""
        self.calls.clear()
        self.waits.clear()

    def waited(self) -> float:
        """Return for how many seconds one answer or more was waited for; posts may overlap."""
        total, end = 0.0, 0.0
        for started, ended in sorted(self.waits):
            total += max(0.0, ended - max(started, end))
            end = max(end, ended)
        return total

    def _count(self, event_name: str, **_: Any) -> None:
        self.calls[":".join(event_name.split(".")[1:])] += 1


def main(handler_name: str, timeout: float) -> None:
    """Import the handler, say so, and handle events until there are no more."""
    # What the handler prints goes where its errors go.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    observer = Observer()
    observer.start()
    module, _, name = handler_name.rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        observer.reset()
        event, context = json.loads(line), Context(timeout)
        started = time.perf_counter()
        try:
            result = {"answer": handler(event, context)}
        except Exception as error:  # whatever it is, the benchmark tells
            result = {"error": f"{type(error).__name__}: {error}"}
        seconds = time.perf_counter() - started
        result |= {"seconds": seconds, "waited": observer.waited(), "calls": dict(observer.calls)}
        print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
