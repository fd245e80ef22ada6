"""Replays through ``sam local invoke``: the built package, in Lambda's own image, against the running local stack.

The cases that a case builds on are replayed in-process. The messages of the case itself do go out, and are not seen:
the stack processes those about an order, and the replay waits for that.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem
from tools.replay.cases import Case, Json
from tools.replay.in_process import InProcess
from tools.replay.target import Invoke, Outcome, only_in_process, replay
from tools.sam_local import prepare as sam_local
from tools.stack.functions import Function
from tools.stack.stack import ROOT, Stack

SAM = (sys.executable, "-m", "samcli")
_TIMEOUT_SECONDS = 360  # the longest timeout of a function, and the start of its container


def call_sam(
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
    """``sam local invoke``, set up against a running stack by the SAM CLI's configuration file."""

    stack: Stack
    functions: Mapping[str, Function]
    configuration: Path
    log: Path
    command: Sequence[str] = SAM

    def invoke(self, name: str, event: Json) -> Outcome:
        """Call a function in a container."""
        words = ("local", "invoke", self.functions[name].logical_id)
        options = ("--event", "-", "--config-file", str(self.configuration))
        called = call_sam(self.command, (*words, *options), event, sam_local.environment(self.stack))
        with self.log.open("a") as log:
            log.write(called.stderr)
        try:
            return Outcome.told(json.loads(called.stdout.strip().splitlines()[-1]))
        except (IndexError, ValueError):
            raise Problem(f"sam {' '.join(words)} gave no answer: see {self.log}") from None


@dataclass(frozen=True)
class ThroughSam(InProcess):
    """The target ``sam``: ``invoke`` calls the function of the case itself."""

    invoke: Invoke

    def why_not(self, case: Case, /) -> str | None:
        """Say what is in a case's way: its messages go out."""
        return only_in_process(case)

    def replay(self, case: Case) -> Iterator[str]:
        """Replay a case in a world where nothing has happened yet."""
        self.world.tidy()
        yield from replay(case, self.invoke, self.world.values(), self.processes.invoke)
        if any("queue" in sent for sent in case.sends):
            self.world.wait_until_settled()
