"""Functions that are called several times, each in a process that stays, as Lambda keeps them between invocations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.bench.process import Process, Runnable, running

_INSIDE = Path(__file__).with_name("in_function")


@dataclass(frozen=True)
class Handled:
    """A handled event.

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
    """A function that measures what it does."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def handle(self, event: Any) -> Handled:
        """Have the function handle an event.

        Raises
        ------
        Problem
            It raises, or cannot be imported.
        """
        self._process.give(event)
        return Handled(**self._process.outcome().answer)


class Workers:
    """Starts a function's process when it is first needed.

    Parameters
    ----------
    functions
        By name, all there are.
    directory
        Where what they log goes.
    """

    def __init__(self, functions: Mapping[str, Runnable], directory: Path, processes: ExitStack) -> None:
        self._functions = functions
        self._directory = directory
        self._processes = processes
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
        observed = _observed(self._functions[name])
        return Worker(self._processes.enter_context(running(observed, self._directory / f"{name}.log")))


@contextmanager
def workers(functions: Mapping[str, Runnable], directory: Path) -> Iterator[Workers]:
    """Yield the functions' processes, and end them."""
    with ExitStack() as processes:
        yield Workers(functions, directory, processes)


def _observed(runnable: Runnable) -> Runnable:
    path = [runnable.environment.get("PYTHONPATH", ""), str(_INSIDE)]
    environment = {
        **runnable.environment,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "OBSERVED_HANDLER": runnable.function.handler,
    }
    return replace(runnable, function=replace(runnable.function, handler="observed.handler"), environment=environment)
