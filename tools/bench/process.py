"""Functions in processes of their own, under Lambda's runtime client and with Lambda's environment."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.bench.runtime_api import Invocation, Outcome, RuntimeApi
from tools.console import Problem
from tools.environments import BENCH
from tools.stack.functions import Function

_TIMEOUT_SECONDS = 60
_ERROR_LINES = 5
_INSIDE = Path(__file__).with_name("in_function")


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
        threading.Thread(target=self._tell_of_its_end, daemon=True).start()

    def give(self, event: Any) -> None:
        """Have an event ready for the function, which may still be starting."""
        self._api.invocations.put(Invocation(event, self._function.timeout, self._function.arn))

    def asked_at(self) -> float:
        """Return when the function asked for its first event; one that ends or hangs before is a ``Problem``."""
        self._api.asked.wait(_TIMEOUT_SECONDS)
        if not self._api.asked_at:
            self.outcome()
        return self._api.asked_at

    def outcome(self) -> Outcome:
        """Return the next outcome, once it is there; a function that raises, ends or hangs is a ``Problem``."""
        outcome = None
        with suppress(queue.Empty):
            outcome = self._api.outcomes.get(timeout=_TIMEOUT_SECONDS)
        if outcome is None:
            last = " ".join(self._log.read_text(errors="replace").splitlines()[-_ERROR_LINES:]) or "nothing is printed"
            raise Problem(f"{self._function.name} ends, or hangs, without an answer: {last}")
        if outcome.error:
            raise Problem(f"{self._function.name} fails: {outcome.error['errorType']}: {outcome.error['errorMessage']}")
        return outcome

    def peak_megabytes(self) -> float:
        """Return the most memory that the process has had since it was started."""
        # ``wait4`` would count the benchmark as well, whose memory the process shares until it runs a program
        # of its own ("proc_pid_status(5)", "getrusage(2)", Linux manual pages: VmHWM, ru_maxrss).
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        # The kernel counts in 1,024 bytes; the report has one kind of megabyte. A process that has ended has no peak.
        return int(peak[1]) * 1024 / 1e6 if peak else 0

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _tell_of_its_end(self) -> None:
        self._process.wait()
        # A report of an error comes before.
        self._api.outcomes.put(None)
        self._api.asked.set()


@contextmanager
def running(runnable: Runnable, log: Path) -> Iterator[Process]:
    """Run a function until the block ends; the log has what it prints."""
    with RuntimeApi() as api:
        process = Process(runnable, api, log)
        try:
            yield process
        finally:
            process.end()


@dataclass(frozen=True)
class Handled:
    """A handled event: how much of its time was waiting for answers over HTTP, and its calls (``dynamodb:GetItem``)."""

    answer: Any
    seconds: float
    waited: float
    calls: Mapping[str, int]


Handle = Callable[[Any], Handled]


class Workers(ExitStack):
    """Functions by their names; each has a process of its own once it is needed, and its log in the directory."""

    def __init__(self, functions: Mapping[str, Runnable], directory: Path) -> None:
        super().__init__()
        self.functions = functions
        self._directory = directory
        self._handles: dict[str, Handle] = {}

    def __getitem__(self, name: str) -> Handle:
        if name not in self._handles:
            self._handles[name] = self.new(name)
        return self._handles[name]

    def new(self, name: str) -> Handle:
        """Start a process of a function, beside the one that there may be, and return what handles events in it."""
        process = self.enter_context(running(_observed(self.functions[name]), self._directory / f"{name}.log"))

        def handle(event: Any) -> Handled:
            process.give(event)
            return Handled(**process.outcome().answer)

        return handle


def _observed(runnable: Runnable) -> Runnable:
    path = [runnable.environment.get("PYTHONPATH", ""), str(_INSIDE)]
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, path)), "OBSERVED_HANDLER": runnable.function.handler}
    function = replace(runnable.function, handler="observed.handler")
    return replace(runnable, function=function, environment={**runnable.environment, **variables})
