"""The output on a terminal: steps with their duration, tables, problems with their remedy."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from getpass import getpass
from textwrap import fill
from typing import Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from storefront.shared.text import printable

IS_TERMINAL = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
INTERRUPTED = 130  # the exit code
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)
# A terminal's width that nobody could read counts as none; help reads it from there, too.
if not re.fullmatch(r"[4-9]\d|[1-9]\d\d", os.environ.get("COLUMNS", "")):
    os.environ.pop("COLUMNS", None)
_CONSOLE = Console(highlight=False)


class Problem(Exception):
    """Something a person can put right; the message is one line that says what is wrong and what to do."""

    exit_code = 1


class Misuse(Problem):
    """A command that was given what it does not know."""

    exit_code = 2


def styled(text: str, style: str) -> str:
    """Return the text in a style (a colour, ``bold`` or ``dim``), or unchanged without a terminal."""
    return f"\033[{_STYLES[style]}m{text}\033[0m" if IS_TERMINAL else text


def say(text: str = "") -> None:
    """Print a line at once, also when the output is a pipe."""
    print(text, flush=True)


def folded(line: str) -> str:
    """Return a line as lines that fit the terminal, or 80 columns without one; the others are further indented."""
    text = Text.from_ansi(line)
    indent = len(text.plain) - len(text.plain.lstrip()) + 2
    with _CONSOLE.capture() as captured:
        for part in text.wrap(_CONSOLE, _CONSOLE.width - indent):
            part.rstrip()
            _CONSOLE.print(part)
    return captured.get().rstrip("\n").replace("\n", "\n" + " " * indent)


def asked_for(what: str) -> str:
    """Return a secret that a person types, unseen, or a pipe brings; on a command line others could read it."""
    return getpass(f"{what}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def say_json(value: object) -> None:
    """Print JSON for people and for scripts; what is not printable stays escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    say("".join(char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text))


def say_table(*head: str, rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table of foreign text; long cells are wrapped, at 80 columns without a terminal."""
    table = Table(*head, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    _CONSOLE.print(table)


def say_indented(text: str) -> None:
    """Print foreign text two columns in, wrapped; at 80 columns without a terminal."""
    say(fill(printable(text), _CONSOLE.width, initial_indent="  ", subsequent_indent="  "))


class Step:
    """A piece of work on one line of the terminal: its title, how far it is, how it ended and how long it took."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._started = time.monotonic()
        self._status = _CONSOLE.status(Text(printable(title)))

    def __enter__(self) -> Self:
        if IS_TERMINAL:
            self._status.start()
        else:
            say(f"  {self.title} ...")
        return self

    def progress(self, detail: str) -> None:
        """Show where the work is; only on a terminal, where the line can be replaced."""
        self._status.update(Text(printable(f"{self.title} ({self._seconds} s) {detail}")))

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._status.stop()
        mark = styled("✗", "red") if error else styled("✓", "green")
        say(f"{mark} {self.title} {styled(f'({self._seconds} s)', 'dim')}")

    @property
    def _seconds(self) -> str:
        return f"{time.monotonic() - self._started:.1f}"


def step(title: str) -> Step:
    """Show a step while its block runs."""
    return Step(title)


@contextmanager
def problems_reported() -> Iterator[None]:
    """Turn a problem into one line and its exit code, an interruption into exit code 130."""
    try:
        with _surroundings_explained():
            yield
    except Problem as problem:
        print(f"{styled('error:', 'red')} {printable(problem)}", file=sys.stderr, flush=True)
        raise SystemExit(problem.exit_code) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        raise SystemExit(INTERRUPTED) from None


@contextmanager
def _surroundings_explained() -> Iterator[None]:
    """Turn what a broken environment or another person's files do into a problem."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise Problem(f"{missing.name} is not installed in .venv: remove .venv, then make up") from None
    except OSError as error:
        if error.errno not in _NOT_OURS or not error.filename:
            raise
        raise Problem(
            f"{error.filename}: {error.strerror}: clone the project into a folder of yours, or name one with STATE="
        ) from None
