"""Replays through ``sam local invoke``: the built package, in Lambda's own image, against the running local stack.

What a case builds on is replayed in-process. What the case itself sends does go out, and is not seen: the message of an
order is processed by the stack, and that is waited for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.console import Problem
from tools.replay.cases import Case, Json
from tools.replay.in_process import InProcess, Processes
from tools.replay.target import Outcome, answer_of, only_in_process, replay, with_given
from tools.replay.world import World
from tools.sam_local import prepare as sam_local
from tools.stack.functions import Function
from tools.stack.stack import ROOT, Stack

SAM = (sys.executable, "-m", "samcli")
_TIMEOUT_SECONDS = 360  # the longest timeout of a function, and the start of its container


class SamLocal:
    """``sam local invoke``, set up against a running stack.

    Parameters
    ----------
    stack
        The stack.
    functions
        Its functions.
    configuration
        The SAM CLI's configuration file.
    log
        Where what the functions log goes.
    command
        The SAM CLI.
    """

    def __init__(
        self,
        stack: Stack,
        functions: Mapping[str, Function],
        configuration: Path,
        log: Path,
        command: Sequence[str] = SAM,
    ) -> None:
        self._environment = sam_local.environment(stack)
        self._functions = functions
        self._configuration = configuration
        self._log = log
        self._command = command

    def invoke(self, name: str, event: Json) -> Outcome:
        """Call a function in a container; what it sends is not seen.

        Raises
        ------
        Problem
            There was no answer.
        """
        logical_id = self._functions[name].logical_id
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file, self._log.open("ab") as log:
            json.dump(event, file)
            file.flush()
            try:
                called = subprocess.run(
                    [
                        *(*self._command, "local", "invoke", logical_id),
                        *("--event", file.name, "--config-file", str(self._configuration)),
                    ],
                    cwd=ROOT,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    timeout=_TIMEOUT_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise Problem(f"sam local invoke {logical_id} did not end within {_TIMEOUT_SECONDS} s") from None
        return Outcome(answer_of(_last_json(called.stdout, logical_id, self._log)))


class ThroughSam(InProcess):
    """The target ``sam``.

    Parameters
    ----------
    world
        What the cases are about.
    processes
        What runs the functions for what a case builds on.
    cases
        All cases.
    sam
        Calls the function of the case itself.
    """

    def __init__(self, world: World, processes: Processes, cases: Mapping[str, Case], sam: SamLocal) -> None:
        super().__init__(world, processes, cases)
        self._sam = sam

    def why_not(self, case: Case, /) -> str | None:
        """Say what is in a case's way: what it sends goes out."""
        return only_in_process(case)

    def prepare(self, cases: Mapping[str, Case]) -> None:
        """Start the processes for what the cases build on."""
        given = {name for case in cases.values() for name in case.given}
        super().prepare({name: self._cases[name] for name in given})

    def replay(self, case: Case) -> Iterator[str]:
        """Replay a case in a world where nothing has happened yet."""
        involved = with_given({case.name: case}, self._cases).values()
        self._world.tidy(involved)
        yield from replay(case.name, self._cases, self._sam.invoke, self._world.values(), self._processes.invoke)
        if any("queue" in sent for sent in case.sends):
            self._world.wait_until_settled(involved)


def _last_json(output: str, logical_id: str, log: Path) -> Any:
    """Return the answer: the last line of what the SAM CLI prints."""
    lines = output.strip().splitlines()
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError):
        raise Problem(f"sam local invoke {logical_id} gave no answer: see {log}") from None
