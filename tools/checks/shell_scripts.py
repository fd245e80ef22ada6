"""Runs shellcheck over every shell script there is: the files, and what the workflows run."""

import subprocess

import yaml

from tools.environments import SCANNERS
from tools.stack.stack import ROOT

FILES = (".ci/run", "tools/clean", "tools/find-python", "requirements/lock")


def run_blocks() -> dict[str, str]:
    """Return what the workflows run, each with the place where it is written."""
    blocks = {}
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            for number, step in enumerate(job.get("steps", []), start=1):
                if "run" in step:
                    blocks[f"{path.relative_to(ROOT)}, {name}, step {number}"] = step["run"]
    return blocks


def main() -> int:
    """Print shellcheck's findings; return 0 if it has none."""
    found = {"files": _findings(*FILES)}
    # GitHub runs them with bash.
    found |= {place: _findings("--shell=bash", "-", script=script) for place, script in run_blocks().items()}
    for place, text in found.items():
        if text:
            print(f"{place}:\n{text}")
    return 1 if any(found.values()) else 0


def _findings(*arguments: str, script: str | None = None) -> str:
    command = [str(SCANNERS.directory / "bin" / "shellcheck"), *arguments]
    checked = subprocess.run(command, cwd=ROOT, input=script, capture_output=True, text=True, check=False)
    return checked.stdout + checked.stderr


if __name__ == "__main__":
    raise SystemExit(main())
