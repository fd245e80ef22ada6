"""Commands that check the project, and write what its pages take from the code."""

from __future__ import annotations

import typer

from tools import environments

app = typer.Typer()


@app.command()
def check() -> None:
    """Lint, check formats and types, validate template and OpenAPI document, scan for weaknesses."""
    from tools.checks import checks

    environments.ensure("check")
    raise typer.Exit(checks.main())


@app.command()
def docs() -> None:
    """Write the tables of the documentation that are made from code."""
    from tools.checks import pages

    pages.main()
