"""A copy of the project, where a test does what a page says without touching this one."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.environments import COMMAND, TOOLS
from tools.stack.stack import ROOT

SECONDS = 1800
# Nobody's own settings.
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "copy@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@dataclass(frozen=True)
class Checkout:
    """A copy of what Git knows here, committed, with these environments and a command of its own."""

    directory: Path

    @classmethod
    def of(cls, directory: Path) -> "Checkout":
        """Make a copy in a directory."""
        names = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(names, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(lambda name: (ROOT / name).is_file(), listed.split("\0")):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
        for environment in ROOT.glob(".venv*"):
            _link(environment, directory / environment.name)
        copy = cls(directory)
        copy.run("git init --quiet && git add --all && git commit --quiet --message copy && make tools")
        return copy

    def run(self, script: str, **variables: str) -> str:
        """Run lines as a person types them, where the environment is activated; return what they print."""
        ended = self.ended(script, **variables)
        assert ended.returncode == 0, f"{script}\n{ended.stdout[-8000:]}{ended.stderr[-4000:]}"
        return ended.stdout

    def ended(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run lines that may fail."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GIT_"))}
        path = os.pathsep.join((str(self.directory / ".venv" / "bin"), os.environ["PATH"]))
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.directory,
            env={**inherited, **GIT, "PATH": path, "COLUMNS": "80", **variables},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


def _link(environment: Path, link: Path) -> None:
    """Share an environment, but for the command, which knows the folder of its project."""
    if environment / "bin" / "python" != TOOLS.python:
        link.symlink_to(environment)
        return
    (link / "bin").mkdir(parents=True)
    for entry in [*environment.iterdir(), *(environment / "bin").iterdir()]:
        if entry not in (environment / "bin", COMMAND):
            (link / entry.relative_to(environment)).symlink_to(entry)
