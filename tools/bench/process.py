"""A function in a process of its own, under Lambda's runtime client and with Lambda's environment."""

from __future__ import annotations

import queue
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.runtime_api import Invocation, Outcome, RuntimeApi, serving
from tools.console import Problem
from tools.environments import BENCH
from tools.stack.functions import Function

_TIMEOUT_SECONDS = 60
# How often to look whether a process that does not answer is still there; an answer wakes at once.
_LOOK_SECONDS = 0.05
_ERROR_LINES = 5


@dataclass(frozen=True)
class Runnable:
    """A function with the package and the whole environment that it runs in."""

    function: Function
    package: Path
    environment: Mapping[str, str]


class Process:
    """The process of one function; times are those of ``time.perf_counter``."""

    def __init__(self, runnable: Runnable, api: RuntimeApi, log: Path) -> None:
        self._function = runnable.function
        self._api = api
        self._log = log
        environment = {
            **runnable.environment,
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": str(runnable.package),
            # As in Lambda, where the package cannot be written to: nothing is compiled for the next start.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [str(BENCH.python), "-m", "awslambdaric", self._function.handler]
        with log.open("a") as output:
            self.started_at = time.perf_counter()
            self._process = subprocess.Popen(
                command, cwd=runnable.package, env=environment, stdout=output, stderr=output
            )

    def give(self, event: Any) -> None:
        """Have an event ready for the function, which may still be starting."""
        self._api.invocations.put(Invocation(event, self._function.timeout, self._function.arn))

    def asked_at(self) -> float:
        """Return when the function asked for its first event."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not self._api.asked.wait(_LOOK_SECONDS):
            if self._is_over(deadline):
                self.outcome()
        return self._api.asked_at

    def outcome(self) -> Outcome:
        """Return the next outcome, once it is there; a function that raises, ends or hangs is a ``Problem``."""
        outcome, is_over = None, False
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        # A process may report an error and end: then it is over, and one more look finds the report.
        while outcome is None and not is_over:
            is_over = self._is_over(deadline)
            with suppress(queue.Empty):
                outcome = self._api.outcomes.get(timeout=_LOOK_SECONDS)
        if outcome is None:
            last = " ".join(self._log.read_text(errors="replace").splitlines()[-_ERROR_LINES:]) or "nothing is printed"
            raise Problem(f"{self._function.name} ends, or hangs, without an answer: {last}")
        if outcome.error:
            raise Problem(f"{self._function.name} fails: {outcome.error['errorType']}: {outcome.error['errorMessage']}")
        return outcome

    def peak_megabytes(self) -> float:
        """Return the most memory that the process has had since it was started.

        What ``wait4`` says would count the benchmark as well, whose memory the process shares until it runs a program
        of its own ("proc_pid_status(5)", "getrusage(2)", Linux manual pages: VmHWM, ru_maxrss).
        """
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        # The kernel counts in 1,024 bytes; the report has one kind of megabyte. A process that has ended has no peak.
        return int(peak[1]) * 1024 / 1e6 if peak else 0

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _is_over(self, deadline: float) -> bool:
        return self._process.poll() is not None or time.monotonic() > deadline


@contextmanager
def running(runnable: Runnable, log: Path) -> Iterator[Process]:
    """Run a function until the block ends; the log has what it prints."""
    with serving() as api:
        process = Process(runnable, api, log)
        try:
            yield process
        finally:
            process.end()
