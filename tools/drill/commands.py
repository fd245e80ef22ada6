"""The command that practises an incident."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.environments import STATE_DIRECTORY
from tools.options import State, chosen

app = typer.Typer()


@app.command()
def drill(
    solve: Annotated[
        bool, typer.Option("--solve", help="Run the runbook's lines; needs the aws command. Without a terminal, too.")
    ] = False,
    state: State = STATE_DIRECTORY,
) -> None:
    """Practise an incident on the local stack: a bad release, a dead letter, an alarm."""
    from tools.drill import practice

    practice.run(chosen(None, state), state, solve=solve)
