"""The command that runs the benchmarks."""

from __future__ import annotations

from typing import Annotated

import typer

from tools import environments

app = typer.Typer()


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
def bench(arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARGUMENTS]...")] = None) -> None:
    """Measure what things cost and write tools/bench/report.md; takes some minutes."""
    from tools.bench import __main__ as benchmarks

    environments.ensure("bench")
    benchmarks.main(arguments or [])
