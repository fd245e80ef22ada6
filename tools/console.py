"""What a person sees in the terminal: steps with their duration, problems with their remedy."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

IS_TERMINAL = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_LINE_WIDTH = 100


class Problem(Exception):
    """Something a person can put right; the message is one line that says what is wrong and what to do."""

    exit_code = 1


class Misuse(Problem):
    """A command that was given what it does not know."""

    exit_code = 2


def styled(text: str, style: str) -> str:
    """Return the text in a style (a colour, ``bold`` or ``dim``), or as it is where there is no terminal."""
    return f"\033[{_STYLES[style]}m{text}\033[0m" if IS_TERMINAL else text


def say(text: str = "") -> None:
    """Print a line at once, also when the output is a pipe."""
    print(text, flush=True)


class Step:
    """A piece of work on one line of the terminal: what it is, how far it is, how long it took."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._started = time.monotonic()
        if not IS_TERMINAL:
            say(f"  {title} ...")

    def progress(self, detail: str) -> None:
        """Show where the work is; only on a terminal, where the line can be replaced."""
        if IS_TERMINAL:
            line = f"  {self.title} ({self._seconds} s) {detail}"[:_LINE_WIDTH]
            print(f"\r\033[K{line}", end="", flush=True)

    def done(self, detail: str = "") -> None:
        """Replace the progress by a line that stays."""
        clear = "\r\033[K" if IS_TERMINAL else ""
        say(f"{clear}{styled('✓', 'green')} {self.title} {styled(f'({self._seconds} s)', 'dim')} {detail}".rstrip())

    def failed(self) -> None:
        """Leave the line as it is, marked as failed."""
        clear = "\r\033[K" if IS_TERMINAL else ""
        say(f"{clear}{styled('✗', 'red')} {self.title} {styled(f'({self._seconds} s)', 'dim')}")

    @property
    def _seconds(self) -> str:
        return f"{time.monotonic() - self._started:.1f}"


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show a step while its block runs, and how it ended."""
    current = Step(title)
    try:
        yield current
    except BaseException:
        current.failed()
        raise
    current.done()


@contextmanager
def problems_reported() -> Iterator[None]:
    """Turn a problem into one line and its exit code, an interruption into exit code 130."""
    try:
        yield
    except Problem as problem:
        print(f"{styled('error:', 'red')} {problem}", file=sys.stderr, flush=True)
        raise SystemExit(problem.exit_code) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        raise SystemExit(130) from None
