"""A function in a process of its own, under Lambda's runtime client and with Lambda's environment."""

from __future__ import annotations

import queue
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    """The process of one function.

    All of its methods raise a ``Problem`` where the function cannot be imported, raises, ends or hangs.

    Attributes
    ----------
    started_at
        When. The clock is ``time.perf_counter``.
    """

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
        command = [str(BENCH.python), "-m", "awslambdaric", runnable.function.handler]
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
            if self._process.poll() is not None or time.monotonic() > deadline:
                # If it has told why, that is more than what it has printed.
                self.outcome()
        return self._api.asked_at

    def outcome(self) -> Outcome:
        """Return the next outcome, once it is there."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            # Asked before the last look at the outcomes: a process may report an error and end.
            is_over = self._process.poll() is not None or time.monotonic() > deadline
            try:
                outcome = self._api.outcomes.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if is_over:
                    raise Problem(f"{self._function.name} ends, or hangs, without an answer: {self._last()}") from None
            else:
                break
        if outcome.error:
            error = outcome.error
            raise Problem(f"{self._function.name} fails: {error['errorType']}: {error['errorMessage']}")
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

    def _last(self) -> str:
        return " ".join(self._log.read_text(errors="replace").splitlines()[-_ERROR_LINES:]) or "it has printed nothing"


@contextmanager
def running(runnable: Runnable, log: Path) -> Iterator[Process]:
    """Run a function until the block ends; the log has what it prints."""
    with serving() as api:
        process = Process(runnable, api, log)
        try:
            yield process
        finally:
            process.end()
