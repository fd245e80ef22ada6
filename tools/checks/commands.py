"""Commands that check the project, and write what its pages take from the code."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from tools import environments
from tools.console import say
from tools.environments import ROOT

app = typer.Typer()


@app.command()
def check() -> None:
    """Lint, check formats and types, validate template and OpenAPI document, scan for weaknesses."""
    from tools.checks import checks

    environments.ensure("check")
    raise typer.Exit(checks.main())


@app.command("format")
def format_code() -> None:
    """Format the code, and fix what can be fixed."""
    for words in (("check", "--fix", "--quiet"), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=ROOT, check=False)


@app.command()
def calls() -> None:
    """Write down which AWS calls the functions make in the unit tests."""
    command = [sys.executable, "-m", "pytest", "tests/unit", "--quiet", "--numprocesses", "auto"]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | {"RECORD_CALLS": "1"}, check=False)
    if ended.returncode:
        raise typer.Exit(ended.returncode)
    docs()


@app.command()
def docs() -> None:
    """Write the tables of the documentation that are made from code."""
    from tools.checks import pages

    pages.main()


@app.command()
def rename(
    name: Annotated[str, typer.Argument(help="The new name, such as acme.")],
    yes: Annotated[bool, typer.Option("--yes", help="Also where there are changes that are not committed.")] = False,
) -> None:
    """Give this copy of the project another name: package, command, stacks, texts."""
    from tools.checks import rename as renaming

    changed = renaming.rename(name, over_changes=yes)
    say(f"renamed {changed} files and src/{renaming.NAME}; look with git diff. Then:")
    for command in ("make dev", f".venv/bin/{name} format", f".venv/bin/{name} docs", "make test"):
        say(f"  {command}")


@app.command()
def remove(
    package: Annotated[str, typer.Argument(help="A package of src/storefront.")],
    yes: Annotated[bool, typer.Option("--yes", help="Also where there are changes that are not committed.")] = False,
) -> None:
    """Remove a part from this copy of the project: its files, and the code that names it elsewhere."""
    from tools.checks import removal

    left = removal.remove(package, over_changes=yes)
    format_code()
    say(f"removed {package}; look with git diff. These lines still name it:")
    for place in left:
        say(f"  {place}")


@app.command()
def mutate(
    mutants: Annotated[list[str] | None, typer.Argument(help="Patterns: storefront.identity.*; default: all.")] = None,
) -> None:
    """Change the code of the shop, and list the changes that no test notices: docs/maintaining/mutation.md."""
    from tools.checks import mutation

    environments.ensure("mutation")
    raise typer.Exit(mutation.run(*mutants or ()))
