"""The course's command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tools.console import Misuse, Problem, say
from tools.environments import ROOT, STATE_DIRECTORY
from tools.options import State, chosen

if TYPE_CHECKING:  # boto3 takes longer to load than `storefront --help` may take
    from tools.stack.stack import Stack

app = typer.Typer()


@app.command()
def lesson(
    name: Annotated[str, typer.Argument(metavar="[LESSON]", help="Name or number; without, all are listed.")] = "",
    pause: Annotated[bool, typer.Option("--pause", help="Wait for Enter before each step.")] = False,
    start: Annotated[str | None, typer.Option("--from", metavar="STEP", help="Begin to show at this one.")] = None,
    up: Annotated[bool, typer.Option("--up", help="Only deploy its stack, to type the steps by hand.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Remove its stack.")] = False,
    state: State = STATE_DIRECTORY,
) -> None:
    """Run a lesson of the course on the running stack, or list the lessons."""
    from tools.lessons import deployment, page, runner

    if not name:
        for each in page.lessons():
            say(f"{each.number:>2}  {each.name:<14} {each.minutes:>3} min  {each.title}")
        return
    if pause and not sys.stdin.isatty():
        raise Misuse("--pause waits for Enter, and there is nobody at this terminal")
    chosen_lesson = page.named(name)
    stack = _stack_of_this_checkout(state)
    with_help = f'eval "$(storefront env {chosen_lesson.name})"'
    if down:
        removed = deployment.take_down(stack, chosen_lesson)
        say(f"lesson {chosen_lesson.name} is removed" if removed else f"lesson {chosen_lesson.name} was not up")
        return
    if up:
        with runner.only_here(state, chosen_lesson), runner.interruption_undone(stack, chosen_lesson):
            runner.bring_up(stack, chosen_lesson)
        say(f"type {with_help}, then the steps of {chosen_lesson.page}")
        return
    runner.run(stack, state, chosen_lesson, start, _wait_for_enter if pause else None)
    say(f"\nEvery answer was as expected. To type the steps yourself: {with_help}")
    say(f"To remove the lesson's stack: storefront lesson {chosen_lesson.name} --down")


def _stack_of_this_checkout(state: Path) -> Stack:
    from tools.stack.emulator import Emulator

    stack, checkout = chosen(None, state), Emulator(state).checkout
    if checkout != str(ROOT):
        raise Problem(f"the stack in {state} is that of {checkout}: run the lesson there, or bring up one of your own")
    return stack


def _wait_for_enter() -> None:
    try:
        input("Enter goes on, Ctrl-C removes the lesson: ")
    except EOFError:
        raise KeyboardInterrupt from None
