"""The benchmarks: ``python -m tools.bench --help``; ``make bench`` runs them all and writes the report."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.bench import broadcast, cold, cost, pipeline, size, warm
from tools.bench.report import FOLDER, Report, Section, printed, this_machine
from tools.console import problems_reported, say, styled
from tools.stack.stack import STATE_DIRECTORY, bypass_proxies

# In the order of the report, which is the order they run in: the cost is made from what the others have counted.
BENCHMARKS: dict[str, ModuleType] = {
    "cold": cold,
    "warm": warm,
    "size": size,
    "pipeline": pipeline,
    "broadcast": broadcast,
    "cost": cost,
}
SECTIONS: dict[str, Callable[[Any], Section]] = {name: module.section for name, module in BENCHMARKS.items()}


def main(words: list[str] | None = None) -> None:
    """Measure what things cost, on this machine: all of it, for the report, or one benchmark for the terminal."""
    parser = _parser()
    arguments = parser.parse_args(words)
    bypass_proxies()
    with problems_reported():
        if arguments.redraw:
            Report.load(_folder(arguments)).write(SECTIONS, _folder(arguments))
        elif arguments.benchmark is None:
            _measure_all(parser, arguments)
        else:
            _measure_one(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works, not for the report")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="where the report is (default: bench; with --quick .local/bench-report)",
    )
    parser.add_argument("--keep", action="store_true", help="with a benchmark: put what it measures into the report")
    parser.add_argument(
        "--redraw", action="store_true", help="measure nothing: write the report again from report.json"
    )
    parser.set_defaults(to=None)
    benchmarks = parser.add_subparsers(metavar="benchmark", dest="benchmark", help="(default: all, for the report)")
    for module in BENCHMARKS.values():
        module.add_to(benchmarks)
    return parser


def _measure_all(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Run every benchmark and write the report; after each, so that what is measured is not lost with the next."""
    folder = _folder(arguments)
    report = Report(this_machine(), {})
    for name in BENCHMARKS:
        options = parser.parse_args([*(["--quick"] if arguments.quick else []), name])
        report.add(_measured(options, report))
        report.write(SECTIONS, folder)
    say(f"\n{folder / 'report.md'}")


def _measure_one(arguments: argparse.Namespace) -> None:
    folder = _folder(arguments)
    there = (folder / "report.json").exists()
    report = Report.load(folder) if there else Report(this_machine(), {})
    section = _measured(arguments, report)
    say("\n" + printed(section))
    if arguments.keep:
        report.add(section)
        report.write(SECTIONS, folder)


def _measured(arguments: argparse.Namespace, report: Report) -> Section:
    say(styled(arguments.benchmark, "bold"))
    arguments.measured = report.measured
    section: Section = BENCHMARKS[arguments.benchmark].measure(arguments)
    return section


def _folder(arguments: argparse.Namespace) -> Path:
    folder: Path = arguments.to or (STATE_DIRECTORY / "bench-report" if arguments.quick else FOLDER)
    return folder


if __name__ == "__main__":
    main()
