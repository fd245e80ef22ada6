"""Runs a lesson: each command of its page, what came, and what must come."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.console import Misuse, Problem, say, step, styled
from tools.environments import COMMAND
from tools.lessons import deployment
from tools.lessons.expected import is_as_expected
from tools.lessons.page import Command, Lesson, Step
from tools.lessons.shell import Shell
from tools.stack import apart
from tools.stack.stack import ROOT, Stack, exports


def run(
    stack: Stack, state: Path, lesson: Lesson, start: str | None = None, pause: Callable[[], None] | None = None
) -> None:
    """Deploy a lesson's stack and run its steps; the first answer that is not the expected one is a `Problem`.

    The steps before ``start`` run unseen, since later ones need what they set. After an interruption the stack is gone;
    after a `Problem` it stays, so that a person can look.
    """
    steps = lesson.steps
    if start is not None and start not in [each.key for each in steps]:
        raise Misuse(f"lesson {lesson.name} has no step {start!r}: name one of {', '.join(s.key for s in steps)}")
    with only_here(state, lesson), interruption_undone(stack, lesson):
        bring_up(stack, lesson)
        with Shell(ROOT, variables(stack, lesson)) as shell:
            shown, known = start is None, dict[str, str]()
            for each in steps:
                shown = shown or each.key == start
                if shown:
                    say(f"\n{styled(_heading(each), 'bold')}")
                    if pause:
                        pause()
                _run_step(shell, lesson, each, known, shown)


def bring_up(stack: Stack, lesson: Lesson) -> None:
    """Deploy a lesson's stack anew."""
    with step(f"deploy lesson {lesson.number}, {lesson.title}"):
        deployment.deploy(stack, lesson)


def variables(stack: Stack, lesson: Lesson) -> dict[str, str]:
    """Return the environment of a lesson's commands: a person's own, and what ``storefront env LESSON`` prints."""
    own = apart.variables()
    own.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode, aws takes three times as long to start
    printed = exports(stack, deployment.outputs(stack, lesson))
    path = os.pathsep.join((str(COMMAND.parent), own.get("PATH", "")))
    return own | printed | {"PATH": path, "NO_PROXY": "127.0.0.1,localhost"}


@contextmanager
def only_here(state: Path, lesson: Lesson) -> Iterator[None]:
    """Hold a lesson, so that it runs in one terminal at a time."""
    path = state / f"{deployment.stack_name(lesson)}.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(f"lesson {lesson.name} runs in another terminal: wait until it ends") from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def interruption_undone(stack: Stack, lesson: Lesson) -> Iterator[None]:
    """Take a lesson's stack down when a person interrupts."""
    try:
        yield
    except KeyboardInterrupt:
        deployment.take_down(stack, lesson)
        say(f"lesson {lesson.name} is removed")
        raise


def _run_step(shell: Shell, lesson: Lesson, current: Step, known: dict[str, str], shown: bool) -> None:
    for command in current.commands:
        if shown:
            say(styled("$ ", "dim") + command.typed.replace("\n", "\n> "))
        came = shell.run(command.typed).strip("\n")
        good = is_as_expected(came, command.expected, known)
        if shown and came:
            say(came)
        if not good:
            raise Problem(_other_answer(lesson, current, command, came))
        if shown:
            say(styled(f"✓ as {lesson.page.name}:{command.line} says", "green"))


def _other_answer(lesson: Lesson, current: Step, command: Command, came: str) -> str:
    say(f"{styled('✗ must come:', 'red')}\n{command.expected or '(nothing)'}")
    first = came.splitlines()[0] if came else "nothing"
    place = f"{lesson.directory.name}/{lesson.page.name}:{command.line}"
    return (
        f"step {current.key}: another answer than {place} says, {first[:120]!r}; the lesson's stack is still up, "
        f"storefront lesson {lesson.name} --down removes it"
    )


def _heading(current: Step) -> str:
    return f"{current.key}. {current.title}" if current.key.isdigit() else current.title
