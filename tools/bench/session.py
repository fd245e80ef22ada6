"""A session of measuring: which benchmarks there are, and where their sections go."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from tools.bench.report import FOLDER, Benchmark, Report, Run, this_machine
from tools.bench.section import Section
from tools.console import say, styled
from tools.stack.stack import STATE_DIRECTORY

# In the order of the report, in which they run: the cost is made from what the others have counted.
_MODULES = {
    "cold": "tools.bench.cold.benchmark",
    "warm": "tools.bench.warm",
    "size": "tools.bench.size",
    "pipeline": "tools.bench.pipeline",
    "broadcast": "tools.bench.broadcast",
    "cost": "tools.bench.cost.benchmark",
}
QUICK_FOLDER = STATE_DIRECTORY / "bench-report"


def benchmarks() -> dict[str, Benchmark]:
    """Return the benchmarks by their names, in the order of the report."""
    return {name: import_module(module) for name, module in _MODULES.items()}


@dataclass(frozen=True)
class Session:
    """The options in front of a benchmark's name."""

    quick: bool = False
    to: Path | None = None
    keep: bool = False

    @property
    def folder(self) -> Path:
        """Where the report is."""
        return self.to or (QUICK_FOLDER if self.quick else FOLDER)

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

    def redraw(self) -> None:
        """Write the report again from its numbers."""
        Report.load(self.folder).write(benchmarks(), self.folder)

    def _measured(self, name: str, report: Report, **options: Any) -> Section:
        say(styled(name, "bold"))
        return benchmarks()[name].measure(Run(self.quick, report.measured), **options)
