"""Replays on a stack on AWS, through ``sam remote invoke``: what a person's credentials may call.

Nothing there is made or put away for it. So without being asked, only cases are replayed that need nothing but the
stack, and change nothing.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.console import Problem
from tools.demo.smoke import PROD, environment_of
from tools.replay.cases import Case, Json
from tools.replay.sam import SAM, call_sam
from tools.replay.target import Outcome, only_in_process, replay
from tools.stack.functions import deployed
from tools.stack.stack import StackOnAws

_ALIAS = "live"


class OnAws:
    """The target ``aws``; ``may_charge`` replays the cases that write, too, and in prod those that only read."""

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
        """Replay a case; its messages are not seen."""
        yield from replay(case, self._invoke, self._values)

    def _invoke(self, name: str, event: Json) -> Outcome:
        words = ("remote", "invoke", self._functions[name].logical_id)
        # Without a qualifier it would be the code that was deployed last.
        options = ("--stack-name", self._name, "--event-file", "-", "--output", "json")
        called = call_sam(self._sam, (*words, *options, "--parameter", f"Qualifier={_ALIAS}"), event)
        if called.returncode:
            lines = called.stderr.strip().splitlines() or ["no output"]
            raise Problem(f"sam {' '.join(words)}: {lines[-1]}")
        response = json.loads(called.stdout)
        with self._log.open("ab") as log:
            log.write(base64.b64decode(response.get("LogResult", "")))
        return Outcome.told(json.loads(response["Payload"]))
