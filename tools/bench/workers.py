"""Functions, each in a process of its own that stays: as Lambda keeps them between invocations."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.console import Problem
from tools.stack.functions import Function

_ERROR_LINES = 3
_SCRIPT = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Runnable:
    """A function with the package and the whole environment that it runs in."""

    function: Function
    package: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Handled:
    """What came of an event.

    Attributes
    ----------
    seconds, waited
        How long the handler took, and how much of that it waited for answers over HTTP.
    calls
        How many requests it made of AWS, by service and operation (``dynamodb:GetItem``).
    """

    answer: Any
    seconds: float
    waited: float
    calls: Mapping[str, int]


class Worker:
    """The process of one function."""

    def __init__(self, function: Function, process: subprocess.Popen[str], log: Path) -> None:
        self._function = function
        self._process = process
        self._log = log

    def handle(self, event: Any) -> Handled:
        """Have the function handle an event.

        Raises
        ------
        Problem
            It raises, or cannot be imported.
        """
        assert self._process.stdin  # noqa: S101 - asked for at the start
        assert self._process.stdout  # noqa: S101 - asked for at the start
        try:
            self._process.stdin.write(json.dumps(event) + "\n")
            self._process.stdin.flush()
            result = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            last = " ".join(self._log.read_text().splitlines()[-_ERROR_LINES:])
            raise Problem(f"{self._function.name} does not run: {last}") from None
        if "error" in result:
            raise Problem(f"{self._function.name} fails: {result['error']}")
        return Handled(**result)


class Workers:
    """Starts a function's process when it is first needed.

    Parameters
    ----------
    python
        The interpreter.
    functions
        By name, all there are.
    directory
        Where what they log goes.
    """

    def __init__(self, python: Path, functions: Mapping[str, Runnable], directory: Path) -> None:
        self._python = python
        self._functions = functions
        self._directory = directory
        self._processes: list[subprocess.Popen[str]] = []
        self._workers: dict[str, Worker] = {}

    def __getitem__(self, name: str) -> Worker:
        if name not in self._workers:
            self._workers[name] = self.new(name)
        return self._workers[name]

    def runnable(self, name: str) -> Runnable:
        """Return how a function runs."""
        return self._functions[name]

    def new(self, name: str) -> Worker:
        """Start a process of a function, beside the one that there may be."""
        runnable = self._functions[name]
        function, package = runnable.function, runnable.package
        log = self._directory / f"{name}.log"
        with log.open("a") as file:
            process = subprocess.Popen(
                # Without the script's own folder: the package's modules have the names they like.
                [str(self._python), "-P", str(_SCRIPT), function.handler, str(function.timeout)],
                cwd=package,
                env={**runnable.environment, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        self._processes.append(process)
        return Worker(function, process, log)

    def end(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.kill()
            process.communicate()


@contextmanager
def workers(python: Path, functions: Mapping[str, Runnable], directory: Path) -> Iterator[Workers]:
    """Yield the functions' processes, and end them."""
    started = Workers(python, functions, directory)
    try:
        yield started
    finally:
        started.end()
