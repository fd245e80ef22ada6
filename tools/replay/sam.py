"""Replays through the SAM CLI: ``sam local invoke`` and ``sam remote invoke``."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem
from tools.demo.smoke import PROD, environment_of
from tools.replay.cases import Case, Json
from tools.replay.in_process import Processes
from tools.replay.target import Invoke, Outcome, Target, only_in_process, replay
from tools.replay.world import World
from tools.sam_local import prepare as sam_local
from tools.stack.functions import Function, deployed
from tools.stack.stack import ROOT, Stack, StackOnAws

SAM = (sys.executable, "-m", "samcli")
_TIMEOUT_SECONDS = 360  # the longest timeout of a function, and the start of its container
_ALIAS = "live"


def _called(
    command: Sequence[str], words: Sequence[str], event: Json, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the SAM CLI (``command``) on an event, which it reads from its standard input."""
    try:
        return subprocess.run(
            [*command, *words],
            input=json.dumps(event),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"sam {' '.join(words[:3])} did not end within {_TIMEOUT_SECONDS} s") from None


@dataclass(frozen=True)
class SamLocal:
    """``sam local invoke``: the built package, in Lambda's own image, as the configuration file sets it up."""

    stack: Stack
    functions: Mapping[str, Function]
    configuration: Path
    log: Path
    command: Sequence[str] = SAM

    def invoke(self, name: str, event: Json) -> Outcome:
        """Call a function in a container."""
        words = ("local", "invoke", self.functions[name].logical_id)
        options = ("--event", "-", "--config-file", str(self.configuration))
        called = _called(self.command, (*words, *options), event, sam_local.environment(self.stack))
        with self.log.open("a") as log:
            log.write(called.stderr)
        try:
            return Outcome.told(json.loads(called.stdout.strip().splitlines()[-1]))
        except (IndexError, ValueError):
            raise Problem(f"sam {' '.join(words)} gave no answer: see {self.log}") from None


def through_sam(world: World, processes: Processes, invoke: Invoke) -> Target:
    """Return the target on which ``invoke`` calls the function of the case itself; the cases before run in-process.

    The messages of the case do go out, and are not seen; the stack processes those about an order.
    """

    def replayed(case: Case) -> Iterator[str]:
        world.tidy()
        yield from replay(case, invoke, world.values(), processes.invoke)
        if any("queue" in sent for sent in case.sends):
            world.wait_until_settled()

    return Target(only_in_process, replayed)


class OnAws:
    """The target ``aws``, through ``sam remote invoke``: what a person's credentials may call.

    Nothing is made or put away for it. Unasked, it replays only cases that need nothing but the stack and change
    nothing; ``may_charge`` replays those that write, too, and in prod those that only read.
    """

    def __init__(self, stack: StackOnAws, log: Path, may_charge: bool = False, sam: Sequence[str] = SAM) -> None:
        self._is_prod = environment_of(stack) == PROD
        if self._is_prod and not may_charge:
            raise Problem(
                f"{stack.name} is prod: made-up events would count in its metrics and alarms. Replay on another stack; "
                "or, with --yes, what only reads"
            )
        self._may_write = may_charge and not self._is_prod
        self._name = stack.name
        self._log = log
        self._sam = sam
        self._functions = deployed(stack)
        self._values = {"UserPoolClientId": stack.outputs["UserPoolClientId"]}

    def why_not(self, case: Case, /) -> str | None:
        """Say what is in a case's way: it needs what only the local stack has, or it would change something."""
        for each in case.chain:
            if reason := only_in_process(each):
                return reason
        if case.function not in self._functions:
            return "the stack has no such function"
        missing = sorted(name for each in case.chain for name in each.placeholders - self._values.keys())
        if missing:
            return f"only on the local stack there is ${{{missing[0]}}}"
        if any(each.writes for each in case.chain) and not self._may_write:
            return "it writes, and this is prod" if self._is_prod else "it writes: --yes replays it, too"
        return None

    def replay(self, case: Case) -> Iterator[str]:
        """Replay a case and yield its differences; its messages are not seen."""
        yield from replay(case, self._invoke, self._values)

    def _invoke(self, name: str, event: Json) -> Outcome:
        words = ("remote", "invoke", self._functions[name].logical_id)
        # Without a qualifier it would be the code that was deployed last.
        options = ("--stack-name", self._name, "--event-file", "-", "--output", "json")
        called = _called(self._sam, (*words, *options, "--parameter", f"Qualifier={_ALIAS}"), event)
        if called.returncode:
            lines = called.stderr.strip().splitlines() or ["no output"]
            raise Problem(f"sam {' '.join(words)}: {lines[-1]}")
        response = json.loads(called.stdout)
        with self._log.open("ab") as log:
            log.write(base64.b64decode(response.get("LogResult", "")))
        return Outcome.told(json.loads(response["Payload"]))
