"""The command that replays sample events."""

from typing import Annotated, Literal

import typer

from tools.environments import STATE_DIRECTORY
from tools.options import StackName, State

app = typer.Typer()


@app.command(epilog="Exit codes: 0 all as expected, 1 there are differences, 2 the event or option is unknown.")
def replay(
    event: Annotated[
        str | None,
        typer.Argument(help="A case, such as place-order/good, or a function; without it, all.", show_default=False),
    ] = None,
    target: Annotated[
        Literal["in-process", "sam", "aws"],
        typer.Option(help="in-process and sam run on the local stack; aws runs on --stack, by sam remote invoke."),
    ] = "in-process",
    stack: StackName = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="On AWS, replay what writes, too; in prod, replay at all.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what the functions log.")] = False,
    state: State = STATE_DIRECTORY,
) -> None:
    """Replay sample events and report every answer that differs from the expected one."""
    from tools.replay import command

    if not command.run(event, state, target=target, stack=stack, may_charge=yes, verbose=verbose):
        raise typer.Exit(1)
