"""The commands that run the benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tools import environments

if TYPE_CHECKING:
    from tools.bench.shop import Target

_group = typer.Typer()
app = typer.Typer()
app.add_typer(_group, name="bench")

State = Annotated[
    Path | None, typer.Option(help="Where the benchmark's own stack is kept.", show_default=".local/bench")
]
Package = Annotated[Path | None, typer.Option(help="A package that was built before; otherwise sam build makes it.")]
Functions = Annotated[list[str] | None, typer.Option("--function", help="Measure this one only; may be repeated.")]
Number = Annotated[int | None, typer.Option(help="How many of each function.")]
Connections = Annotated[int | None, typer.Option(help="One size of the room only.", show_default="10 to 3,000")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 if a bound is not kept.")]


@_group.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Few runs: to see that it works, not for the report.")] = False,
    to: Annotated[Path | None, typer.Option(help="The folder of the report.", show_default="tools/bench")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Put the one benchmark's section into the report.")] = False,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Measure nothing: make the report from its numbers.")
    ] = False,
) -> None:
    """Measure what things cost and write tools/bench/report.md; takes some minutes. Or run one benchmark."""
    from tools.bench.session import Session
    from tools.stack.stack import bypass_proxies

    environments.ensure("bench")
    bypass_proxies()
    context.obj = session = Session(quick, to, keep)
    if redraw:
        session.redraw()
    elif context.invoked_subcommand is None:
        session.measure_all()


@_group.command()
def cold(
    context: typer.Context,
    state: State = None,
    package: Package = None,
    function: Functions = None,
    rounds: Number = None,
    check: Check = False,
) -> None:
    """Cold starts under Lambda's runtime client, with and without bytecode."""
    context.obj.measure("cold", target=_target(state, package, function), rounds=rounds, check=check)


@_group.command()
def warm(
    context: typer.Context,
    state: State = None,
    package: Package = None,
    function: Functions = None,
    invocations: Number = None,
) -> None:
    """How long warm functions take, and which AWS calls they make."""
    context.obj.measure("warm", target=_target(state, package, function), invocations=invocations)


@_group.command()
def size(context: typer.Context, package: Package = None, check: Check = False) -> None:
    """Weigh the package of each function, unpacked."""
    context.obj.measure("size", target=_target(None, package), check=check)


@_group.command()
def pipeline(context: typer.Context) -> None:
    """Orders a second, and seconds to their outcome, on a local stack of its own."""
    context.obj.measure("pipeline")


@_group.command()
def broadcast(
    context: typer.Context,
    connections: Connections = None,
    delay_ms: Annotated[float, typer.Option(help="How long a post takes on AWS.")] = 10,
) -> None:
    """A message to a room of many connections, concurrently and one by one."""
    context.obj.measure("broadcast", connections=connections, delay_ms=delay_ms)


@_group.command()
def cost(context: typer.Context) -> None:
    """Compute the cost of orders and chat messages on AWS from the figures of cold, warm and broadcast."""
    context.obj.measure("cost")


def _target(state: Path | None, package: Path | None, functions: list[str] | None = None) -> Target:
    from tools.bench.shop import DEFAULT, Target

    return Target(state or DEFAULT.state, package, tuple(functions or ()))
