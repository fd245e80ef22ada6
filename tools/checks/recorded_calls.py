"""Has the unit tests write tests/calls.json: the AWS calls that the functions make in them."""

from __future__ import annotations

import os
import subprocess

from tools.environments import DEV
from tools.stack.stack import ROOT


def write() -> int:
    """Run all unit tests, and return the status of their run."""
    command = [str(DEV.python), "-m", "pytest", "tests/unit", "--quiet", "--numprocesses", "auto"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"RECORD_CALLS": "1"}, check=False).returncode
