"""Functions that are called several times, each in a process that stays, as Lambda keeps them between invocations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.bench.process import Runnable, running

_INSIDE = Path(__file__).with_name("in_function")


@dataclass(frozen=True)
class Handled:
    """A handled event: how long it took, how much of that was waiting for answers over HTTP, and its AWS calls.

    Calls are by service and operation (``dynamodb:GetItem``).
    """

    answer: Any
    seconds: float
    waited: float
    calls: Mapping[str, int]


Handle = Callable[[Any], Handled]


class Workers:
    """Functions by their names; each has a process of its own once it is needed."""

    def __init__(self, functions: Mapping[str, Runnable], directory: Path, processes: ExitStack) -> None:
        self.functions = functions
        self._directory = directory
        self._processes = processes
        self._handles: dict[str, Handle] = {}

    def __getitem__(self, name: str) -> Handle:
        if name not in self._handles:
            self._handles[name] = self.new(name)
        return self._handles[name]

    def new(self, name: str) -> Handle:
        """Start a process of a function, beside the one that there may be, and return what handles events in it."""
        log = self._directory / f"{name}.log"
        process = self._processes.enter_context(running(_observed(self.functions[name]), log))

        def handle(event: Any) -> Handled:
            process.give(event)
            return Handled(**process.outcome().answer)

        return handle


@contextmanager
def workers(functions: Mapping[str, Runnable], directory: Path) -> Iterator[Workers]:
    """Yield the functions, and end their processes; the directory has their logs."""
    with ExitStack() as processes:
        yield Workers(functions, directory, processes)


def _observed(runnable: Runnable) -> Runnable:
    path = [runnable.environment.get("PYTHONPATH", ""), str(_INSIDE)]
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, path)), "OBSERVED_HANDLER": runnable.function.handler}
    function = replace(runnable.function, handler="observed.handler")
    return replace(runnable, function=function, environment={**runnable.environment, **variables})
