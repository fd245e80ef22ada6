"""The shell in which a lesson's commands run: a variable that one sets is there for the next."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.console import Problem

SECONDS = 60
# A file brings the variables of one command to the next.
_SCRIPT = """\
. "$LESSON_VARIABLES"
trap 'export -p > "$LESSON_VARIABLES"' EXIT
set -a
{command}
"""


class Shell:
    """Runs commands one after the other, as if they were typed into one shell in the project's folder."""

    def __init__(self, directory: Path, variables: dict[str, str]) -> None:
        self._directory = directory
        self._kept = tempfile.TemporaryDirectory(prefix="storefront-lesson-")
        file = Path(self._kept.name) / "variables"
        file.touch(mode=0o600)  # it has the stack's keys
        # Files that commands write go to a folder that is removed with them.
        self._variables = variables | {"LESSON_VARIABLES": str(file), "TMP": self._kept.name}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._kept.cleanup()

    def run(self, command: str) -> str:
        """Return what a command prints, errors included.

        Raises
        ------
        Problem
            It does not end within a minute.
        """
        process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT.format(command=command)],
            cwd=self._directory,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            return process.communicate(timeout=SECONDS)[0]
        except subprocess.TimeoutExpired:
            raise Problem(f"{command.splitlines()[0]}: no end within {SECONDS} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also what it has started
            process.wait()
