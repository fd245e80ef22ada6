"""Runs the SAM CLI for a person: what it prints is theirs to see."""

from __future__ import annotations

import os
import subprocess
import sys

from tools.environments import ROOT


def sam(*words: str) -> int:
    """Run a command of the SAM CLI in the project's folder, and return its exit code."""
    variables = os.environ | {"SAM_CLI_TELEMETRY": "0"}
    return subprocess.run([sys.executable, "-m", "samcli", *words], cwd=ROOT, env=variables, check=False).returncode
