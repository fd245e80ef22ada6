"""Replays in processes of this machine: one for each function, as its role, against the running local stack."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Self, cast
from urllib.parse import urlsplit

from tools.console import Problem
from tools.replay.cases import Case, Json
from tools.replay.target import Outcome, Target, replay
from tools.replay.world import World
from tools.stack.functions import Function, process_environment
from tools.stack.stack import ROOT, Stack

# The function whose release the hooks hear of.
_RELEASED = "get-product"


class Processes:
    """Runs functions, each in a process of its own that is kept for its next event; ``log`` is where they log."""

    def __init__(self, stack: Stack, functions: Mapping[str, Function], log: Path) -> None:
        self._stack = stack
        self._functions = functions
        self._log = log.open("ab")
        self._workers: dict[str, subprocess.Popen[str]] = {}
        self._iam = stack.client("iam")
        arn = functions[_RELEASED].arn
        version = stack.client("lambda").get_alias(FunctionName=arn, Name="live")["FunctionVersion"]
        self._release = {"function": arn.rpartition(":")[2], "version": version}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.kill()
            worker.communicate()
        self._log.close()

    def start(self, names: Iterable[str]) -> None:
        """Start the processes of functions, which import their code at the same time."""
        for name in sorted(set(names) - self._workers.keys()):
            self._workers[name] = self._started(self._functions[name])

    def invoke(self, name: str, event: Json) -> Outcome:
        """Call a function; its process may have ended, when the code cannot be imported."""
        self.start({name})
        worker = self._workers[name]
        stdin, stdout = cast("IO[str]", worker.stdin), cast("IO[str]", worker.stdout)
        line = ""
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(event) + "\n")
            stdin.flush()
            line = stdout.readline()
        if not line:
            raise Problem(f"the process of {name} has ended: the reason is at the end of {self._log.name}")
        return Outcome(**json.loads(line))

    def _started(self, function: Function) -> subprocess.Popen[str]:
        settings = {
            "arn": function.arn,
            "timeout": function.timeout,
            "denied": self._denied(function),
            "release": self._release,
        }
        path = os.pathsep.join(map(str, (ROOT, ROOT / "src", ROOT / "sandbox")))
        return subprocess.Popen(
            [sys.executable, "-m", "tools.replay.worker", json.dumps(settings)],
            env=process_environment(function, self._stack)
            # `sam local` watches the sandbox's folder: bytecode written there would end its warm container.
            | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def _denied(self, function: Function) -> list[str]:
        """Return the operations that stop in the process and that the function's role may not call."""
        denied = []
        for operation, (action, resource) in _sends(function).items():
            answer = self._iam.simulate_principal_policy(
                PolicySourceArn=function.role, ActionNames=[action], ResourceArns=[resource]
            )
            if answer["EvaluationResults"][0]["EvalDecision"] != "allowed":
                denied.append(operation)
        return denied


def _sends(function: Function) -> dict[str, tuple[str, str]]:
    """Return the operations by which a function sends, by its environment: each with its action and its resource."""
    variables = function.environment
    region, account = function.arn.split(":")[3:5]
    found = {}
    if queue := variables.get("DEAD_LETTER_QUEUE_URL") or variables.get("ORDERS_QUEUE_URL"):
        name = queue.rpartition("/")[2]
        found["SendMessage"] = ("sqs:SendMessage", f"arn:aws:sqs:{region}:{account}:{name}")
    if bus := variables.get("EVENT_BUS_NAME"):
        found["PutEvents"] = ("events:PutEvents", f"arn:aws:events:{region}:{account}:event-bus/{bus}")
    if url := variables.get("CONNECTIONS_URL"):
        *_, api, stage = urlsplit(url).path.rstrip("/").split("/")
        resource = f"arn:aws:execute-api:{region}:{account}:{api}/{stage}/POST/@connections/a-connection"
        found["PostToConnection"] = ("execute-api:ManageConnections", resource)
    return found


def in_process(world: World, processes: Processes) -> Target:
    """Return the target on which every case can be replayed, in a world where nothing has happened yet."""

    def replayed(case: Case) -> Iterator[str]:
        world.tidy()
        yield from replay(case, processes.invoke, world.values())

    return Target(lambda _: None, replayed)
