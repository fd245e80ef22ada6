"""The benchmarks' commands: ``--help`` lists them; without one, all run and write the report."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from tools.bench.report import FOLDER, Benchmark, Report, Run, this_machine
from tools.bench.section import Section
from tools.console import say, styled
from tools.stack.stack import STATE_DIRECTORY, bypass_proxies

# In the order of the report, in which they run: the cost is made from what the others have counted.
_MODULES = {
    "cold": "tools.bench.cold.benchmark",
    "warm": "tools.bench.warm",
    "size": "tools.bench.size",
    "pipeline": "tools.bench.pipeline",
    "broadcast": "tools.bench.broadcast",
    "cost": "tools.bench.cost.benchmark",
}
_STATE, _QUICK_FOLDER = STATE_DIRECTORY / "bench", STATE_DIRECTORY / "bench-report"

app = typer.Typer(name="bench")

State = Annotated[Path, typer.Option(help="Where the benchmark's own stack is kept.")]
Package = Annotated[Path | None, typer.Option(help="A package that was built before; otherwise sam build makes it.")]
Functions = Annotated[list[str] | None, typer.Option("--function", help="Measure this one only; may be repeated.")]
Number = Annotated[int | None, typer.Option(help="How many of each function.")]
Connections = Annotated[int | None, typer.Option(help="One size of the room only.", show_default="10 to 3,000")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 if a bound is not kept.")]


@dataclass(frozen=True)
class Session:
    """What the options in front of a benchmark's name ask for."""

    quick: bool
    folder: Path
    keep: bool

    def measure_all(self) -> None:
        """Run every benchmark; write the report after each, so that a later failure loses nothing."""
        report = Report(this_machine(), {})
        for name in benchmarks():
            report.add(self._measured(name, report))
            report.write(benchmarks(), self.folder)
        say(f"\n{self.folder / 'report.md'}")

    def measure(self, name: str, **options: Any) -> None:
        """Run one benchmark and show its section, formatted where there is a terminal."""
        there = (self.folder / "report.json").exists()
        report = Report.load(self.folder) if there else Report(this_machine(), {})
        section = self._measured(name, report, **options)
        console = Console()
        console.print(Markdown(section.markdown())) if console.is_terminal else say(f"\n{section.markdown()}")
        if self.keep:
            report.add(section)
            report.write(benchmarks(), self.folder)

    def _measured(self, name: str, report: Report, **options: Any) -> Section:
        say(styled(name, "bold"))
        return benchmarks()[name].measure(Run(self.quick, report.measured), **options)


def benchmarks() -> dict[str, Benchmark]:
    """Import the benchmarks, which takes a while, and return them by their names, in the order of the report."""
    return {name: import_module(module) for name, module in _MODULES.items()}


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Few runs: to see that it works, not for the report.")] = False,
    to: Annotated[Path | None, typer.Option(help="The folder of the report.", show_default="tools/bench")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Put the one benchmark's section into the report.")] = False,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Measure nothing: make the report from its numbers.")
    ] = False,
) -> None:
    """Measure time, calls, bytes and money on this machine: everything for the report, or one benchmark."""
    bypass_proxies()
    context.obj = session = Session(quick, to or (_QUICK_FOLDER if quick else FOLDER), keep)
    if redraw:
        Report.load(session.folder).write(benchmarks(), session.folder)
    elif context.invoked_subcommand is None:
        session.measure_all()


@app.command()
def cold(
    context: typer.Context,
    state: State = _STATE,
    package: Package = None,
    function: Functions = None,
    rounds: Number = None,
    check: Check = False,
) -> None:
    """Cold starts under Lambda's runtime client, with and without bytecode."""
    context.obj.measure("cold", target=_target(state, package, function), rounds=rounds, check=check)


@app.command()
def warm(
    context: typer.Context,
    state: State = _STATE,
    package: Package = None,
    function: Functions = None,
    invocations: Number = None,
) -> None:
    """How long warm functions take, and which AWS calls they make."""
    context.obj.measure("warm", target=_target(state, package, function), invocations=invocations)


@app.command()
def size(context: typer.Context, package: Package = None, check: Check = False) -> None:
    """What each function ships, unpacked."""
    context.obj.measure("size", target=_target(_STATE, package), check=check)


@app.command()
def pipeline(context: typer.Context) -> None:
    """Orders a second, and seconds to their outcome, on a local stack of its own."""
    context.obj.measure("pipeline")


@app.command()
def broadcast(
    context: typer.Context,
    connections: Connections = None,
    delay_ms: Annotated[float, typer.Option(help="How long a post takes on AWS.")] = 10,
) -> None:
    """A message to a room of many connections, concurrently and one by one."""
    context.obj.measure("broadcast", connections=connections, delay_ms=delay_ms)


@app.command()
def cost(context: typer.Context) -> None:
    """What orders and chat messages cost on AWS; needs what cold, warm and broadcast have measured."""
    context.obj.measure("cost")


def _target(state: Path, package: Path | None, functions: list[str] | None = None) -> Any:
    # Imported when it is needed: it takes much of the tools with it.
    from tools.bench.shop import Target  # noqa: PLC0415

    return Target(state, package, tuple(functions or ()))
