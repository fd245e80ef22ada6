"""Replays on a stack on AWS, through ``sam remote invoke``: what a person's credentials may call.

Nothing there is made or put away for it. So what is replayed unasked needs nothing but the stack, and changes nothing.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tools.console import Problem
from tools.demo.smoke import PROD, environment_of
from tools.replay.cases import Case, Json
from tools.replay.target import Outcome, answer_of, only_in_process, replay, with_given
from tools.stack.functions import deployed
from tools.stack.stack import StackOnAws

SAM = (sys.executable, "-m", "samcli")
_ALIAS = "live"
_TIMEOUT_SECONDS = 330  # the longest timeout of a function, and what sam itself takes
_KNOWN = frozenset({"UserPoolClientId"})


class OnAws:
    """The target ``aws``.

    Parameters
    ----------
    stack
        The stack.
    name
        Its name.
    cases
        All cases.
    log
        Where what the functions log goes.
    may_charge
        Whether to replay what writes, too; in prod, whether to replay at all.
    sam
        The SAM CLI.

    Raises
    ------
    Problem
        It is prod, and nobody has asked for that.
    """

    def __init__(
        self,
        stack: StackOnAws,
        name: str,
        cases: Mapping[str, Case],
        log: Path,
        may_charge: bool = False,
        sam: Sequence[str] = SAM,
    ) -> None:
        self._is_prod = environment_of(stack) == PROD
        if self._is_prod and not may_charge:
            raise Problem(
                f"{name} is prod: made-up events would count in its metrics and alarms. Replay on another stack; "
                "or, with --yes, what only reads"
            )
        self._may_write = may_charge and not self._is_prod
        self._name = name
        self._cases = cases
        self._log = log
        self._sam = sam
        self._functions = {function.name: function.logical_id for function in deployed(stack).values()}
        self._values = {"UserPoolClientId": stack.outputs["UserPoolClientId"]}

    def prepare(self, cases: Mapping[str, Case]) -> None:
        """Nothing here takes its time before a case."""

    def why_not(self, case: Case, /) -> str | None:
        """Say what is in a case's way: it needs what only the local stack is given, or it would change something."""
        chain = with_given({case.name: case}, self._cases).values()
        for each in chain:
            if reason := only_in_process(each):
                return reason
        if case.function not in self._functions:
            return "the stack has no such function"
        missing = sorted(name for each in chain for name in each.placeholders - _KNOWN)
        if missing:
            return f"only on the local stack there is ${{{missing[0]}}}"
        if any(each.writes for each in chain) and not self._may_write:
            return "it writes, and this is prod" if self._is_prod else "it writes: --yes replays it, too"
        return None

    def replay(self, case: Case) -> Iterator[str]:
        """Replay a case; what it sends is not seen."""
        yield from replay(case.name, self._cases, self._invoke, self._values)

    def _invoke(self, name: str, event: Json) -> Outcome:
        """Call the version that the alias names: without a qualifier it would be the code that was deployed last."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(event, file)
            file.flush()
            command = [
                *(*self._sam, "remote", "invoke", self._functions[name], "--stack-name", self._name),
                *("--event-file", file.name, "--output", "json", "--parameter", f"Qualifier={_ALIAS}"),
            ]
            try:
                called = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
            except subprocess.TimeoutExpired:
                raise Problem(f"sam remote invoke {self._functions[name]} did not end in time") from None
        if called.returncode:
            lines = called.stderr.strip().splitlines() or ["no output"]
            raise Problem(f"sam remote invoke {self._functions[name]}: {lines[-1]}")
        response = json.loads(called.stdout)
        with self._log.open("ab") as log:
            log.write(base64.b64decode(response.get("LogResult", "")))
        return Outcome(answer_of(json.loads(response["Payload"])))
