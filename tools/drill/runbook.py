"""The lines of docs/operations.md, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tools.console import Problem
from tools.environments import ROOT
from tools.stack import apart
from tools.stack.stack import Stack, aws_variables

PAGE = ROOT / "docs/operations.md"


def lines_of(entry: str) -> str:
    """Return the lines to paste of an entry, by its heading."""
    (body,) = re.findall(rf"^## {re.escape(entry)}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return "".join(re.findall(r"^```sh\n(.*?)^```$", body, re.MULTILINE | re.DOTALL))


def set_up(stack: Stack, order_id: str) -> str:
    """Return the set-up lines for a stack and an order: their first two lines are there to be changed."""
    lines = lines_of("Set up").splitlines()
    return "\n".join([f"export STACK={stack.name} AWS_REGION={stack.region}", f"ORDER={order_id}", *lines[2:]]) + "\n"


def require_programs() -> None:
    """Raise `Problem` unless the programs that the lines need are there."""
    missing = [program for program in ("aws", "bash") if not shutil.which(program)]
    if missing:
        raise Problem(f"the runbook's lines need {' and '.join(missing)}: install it, or leave --solve out")


def run(entries: list[str], stack: Stack, order_id: str, state: Path) -> None:
    """Run the lines of entries in one shell that shows them, after the set-up.

    Raises
    ------
    Problem
        A line fails.
    """
    script = set_up(stack, order_id) + "set -v\n" + "".join(lines_of(entry) for entry in entries)
    path = f"{ROOT}/.venv/bin{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    variables = (
        apart.variables()
        | aws_variables(stack.endpoint, stack.credentials)
        | {"PATH": path, "STOREFRONT_STATE": str(state.resolve())}
    )
    # `set -v` shows lines on the standard error.
    ended = subprocess.run(
        ["bash", "-e"],  # noqa: S607 - whichever this person has
        input=script,
        text=True,
        env=variables,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if ended.returncode:
        raise Problem("a line of the runbook has failed: it is the last one above")
