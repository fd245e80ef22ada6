"""Runs shellcheck over every shell script there is: the files, and what the workflows run."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import yaml

from tools.environments import SCANNERS
from tools.stack.stack import ROOT

FILES = (".ci/run", "tools/clean", "tools/find-python", "requirements/lock")


def run_blocks() -> dict[str, str]:
    """Return what the workflows run, each with the place where it is written."""
    blocks = {}
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        workflow: dict[str, Any] = yaml.safe_load(path.read_text())
        for name, job in workflow["jobs"].items():
            for number, step in enumerate(job.get("steps", []), start=1):
                if "run" in step:
                    blocks[f"{path.relative_to(ROOT)}, {name}, step {number}"] = step["run"]
    return blocks


def findings(*arguments: str, script: str | None = None) -> str:
    """Return what shellcheck says of files, or of a script that is in none."""
    command = [str(SCANNERS.directory / "bin" / "shellcheck"), *arguments, *(["-"] if script is not None else [])]
    checked = subprocess.run(command, cwd=ROOT, input=script, capture_output=True, text=True, check=False)
    return checked.stdout + checked.stderr


def main() -> int:
    """Print what shellcheck finds; return 0 if that is nothing."""
    found = {"files": findings(*FILES)}
    # GitHub runs them with bash.
    found |= {place: findings("--shell=bash", script=script) for place, script in run_blocks().items()}
    said = {place: text for place, text in found.items() if text}
    for place, text in said.items():
        sys.stdout.write(f"{place}:\n{text}\n")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
