"""Replays in processes of this machine: one for each function, as its role, against the running local stack."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

from tools.console import Problem
from tools.replay.cases import Case, Json
from tools.replay.target import Outcome, replay, with_given
from tools.replay.world import World
from tools.stack.functions import Function, process_environment
from tools.stack.stack import ROOT, Stack

RELEASED = "get-product"
DEPLOYMENT = "d-EXAMPLE01"
_WORKER = Path(__file__).with_name("worker.py")
_STOP_SECONDS = 5
_ACCOUNT = "000000000000"


class InProcess:
    """The target ``in-process``.

    Parameters
    ----------
    world
        What the cases are about.
    processes
        What runs the functions.
    cases
        All cases.
    """

    def __init__(self, world: World, processes: Processes, cases: Mapping[str, Case]) -> None:
        self._world = world
        self._processes = processes
        self._cases = cases

    def prepare(self, cases: Mapping[str, Case]) -> None:
        """Start the functions' processes."""
        self._processes.start({case.function for case in cases.values()})

    def why_not(self, _: Case, /) -> str | None:
        """Every case can be replayed here."""
        return None

    def replay(self, case: Case) -> Iterator[str]:
        """Replay a case in a world where nothing has happened yet."""
        self._world.tidy(with_given({case.name: case}, self._cases).values())
        yield from replay(case.name, self._cases, self._processes.invoke, self._world.values())


class Processes:
    """Runs functions, each in a process of its own that is kept for its next event.

    Parameters
    ----------
    stack
        The running stack.
    functions
        Its functions by their names.
    log
        Where what they log goes.
    """

    def __init__(self, stack: Stack, functions: Mapping[str, Function], log: Path) -> None:
        self._stack = stack
        self._functions = functions
        self._log = log.open("ab")
        self._workers: dict[str, subprocess.Popen[str]] = {}
        self._iam = stack.client("iam")
        self._release = self._released()

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers.values():
            _end(worker)
        self._log.close()

    def start(self, names: set[str]) -> None:
        """Start the processes of functions, which import their code at the same time."""
        for name in sorted(names - self._workers.keys()):
            self._workers[name] = self._started(self._functions[name])

    def invoke(self, name: str, event: Json) -> Outcome:
        """Call a function.

        Raises
        ------
        Problem
            Its process has ended: the code cannot be imported, for one.
        """
        self.start({name})
        worker = self._workers[name]
        stdin, stdout = _pipes(worker)
        try:
            stdin.write(json.dumps(event) + "\n")
            stdin.flush()
        except BrokenPipeError:
            line = ""
        else:
            line = stdout.readline()
        if not line:
            raise Problem(f"the process of {name} has ended: the reason is at the end of {self._log.name}")
        told = json.loads(line)
        return Outcome(told["answer"], told["sends"])

    def _started(self, function: Function) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(_WORKER)],
            env=process_environment(function, self._stack)
            | {
                "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT / "sandbox"))),
                "REPLAY_DENIED": json.dumps(self._denied(function)),
                "REPLAY_FUNCTION_ARN": function.arn,
                "REPLAY_RELEASE": json.dumps(self._release),
                "REPLAY_TIMEOUT": str(function.timeout),
            },
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def _released(self) -> dict[str, str]:
        """Return what the one deployment releases that the hooks hear of: a version that is there."""
        arn = self._functions[RELEASED].arn
        version = self._stack.client("lambda").get_alias(FunctionName=arn, Name="live")["FunctionVersion"]
        return {"deployment": DEPLOYMENT, "function": arn.rpartition(":")[2], "version": version}

    def _denied(self, function: Function) -> list[str]:
        """Return which operations that stop in the process the function's role may not call."""
        denied = []
        for operation, (action, resource) in _sends(function, self._stack.region).items():
            answer = self._iam.simulate_principal_policy(
                PolicySourceArn=function.role, ActionNames=[action], ResourceArns=[resource]
            )
            if answer["EvaluationResults"][0]["EvalDecision"] != "allowed":
                denied.append(operation)
        return denied


def _sends(function: Function, region: str) -> dict[str, tuple[str, str]]:
    """Return what a function may send by its environment: the operation's action, and the resource."""
    variables = function.environment
    found = {}
    queue = variables.get("DEAD_LETTER_QUEUE_URL") or variables.get("ORDERS_QUEUE_URL")
    if queue:
        name = queue.rpartition("/")[2]
        found["SendMessage"] = ("sqs:SendMessage", f"arn:aws:sqs:{region}:{_ACCOUNT}:{name}")
    if bus := variables.get("EVENT_BUS_NAME"):
        found["PutEvents"] = ("events:PutEvents", f"arn:aws:events:{region}:{_ACCOUNT}:event-bus/{bus}")
    if url := variables.get("CONNECTIONS_URL"):
        *_, api, stage = urlsplit(url).path.rstrip("/").split("/")
        resource = f"arn:aws:execute-api:{region}:{_ACCOUNT}:{api}/{stage}/POST/@connections/a-connection"
        found["PostToConnection"] = ("execute-api:ManageConnections", resource)
    return found


def _pipes(worker: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if worker.stdin is None or worker.stdout is None:
        raise AssertionError("a worker is started with pipes")
    return worker.stdin, worker.stdout


def _end(worker: subprocess.Popen[Any]) -> None:
    """Let a process end: there are no more events."""
    for pipe in _pipes(worker):
        # What a process that has ended did not read is still to be written.
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
    try:
        worker.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
