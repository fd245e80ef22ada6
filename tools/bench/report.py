"""The report: what the benchmarks have measured, as a page, its pictures, and the numbers they are made from.

A benchmark is a module of this package with three functions:

``add_to(subparsers)``
    adds it to the command line, under the name that its section has;
``measure(arguments) -> Section``
    measures, and ends with ``return section(data)``. Besides its own options ``arguments`` has ``quick`` (few runs, for
    development and tests) and ``measured``: by name, the data of the sections that the report has so far;
``section(data) -> Section``
    makes the section from the numbers alone, as they are once they have been through JSON.

So ``report.json`` has all that was measured, ``report.md`` and the pictures follow from it, and nobody edits a figure
by hand: ``tests/bench/test_report.py`` makes them again and compares.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.console import Problem
from tools.stack.stack import ROOT

FOLDER = ROOT / "tools" / "bench"
# What was measured with; the emulator has an environment of its own, so its version is the one that is pinned.
_PACKAGES = ("boto3", "botocore", "aws-lambda-powertools", "pydantic", "moto", "aws-sam-cli")
_EMULATOR = ROOT / "requirements" / "emulator.in"
# What begins a paragraph of its own in what is said about a section.
_PARTS = re.compile(" (Counted|Measured|Assumed|Not measured|Not included):")
# From here on, a figure has no decimals; below, three digits count.
_WHOLE = 100
_TENTHS = 10


@dataclass(frozen=True)
class Figure:
    """A measured quantity: the median of its runs, and how far they spread.

    Attributes
    ----------
    low, high
        The lowest and the highest run.
    unit
        ``ms``, ``s``, ``MB``, ``1/s``, or nothing for a number of things.
    """

    median: float
    low: float
    high: float
    unit: str
    runs: int

    @classmethod
    def of(cls, samples: Iterable[float], unit: str) -> Figure:
        """Return the figure of some runs."""
        ordered = sorted(samples)
        return cls(statistics.median(ordered), ordered[0], ordered[-1], unit, len(ordered))

    @property
    def text(self) -> str:
        """The median with its unit, as a table shows it."""
        return f"{short(self.median)} {self.unit}".rstrip()

    @property
    def spread(self) -> str:
        """From the lowest to the highest run, and how many there were."""
        runs = "1 run" if self.runs == 1 else f"{self.runs:,} runs"
        return f"{short(self.low)} to {short(self.high)}, {runs}"

    def ratio_to(self, floor: Figure) -> str:
        """How many times the floor this is; the floor is of the same run and has the same unit."""
        return f"{self.median / floor.median:.2f}"


@dataclass(frozen=True)
class Section:
    """What one benchmark has to say.

    Attributes
    ----------
    about
        What was measured and how, and what was not. It says ``Assumed:``, and what.
    chart
        A picture, as SVG text.
    name
        What the benchmark is called on the command line; the file name of its picture.
    data
        The numbers that the section is made from, as JSON has them.
    more
        Sections below this one; they have no data of their own.
    """

    title: str
    about: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    chart: str | None
    name: str
    data: Any = field(repr=False)
    more: tuple[Section, ...] = ()

    @property
    def pictures(self) -> dict[str, str]:
        """The pictures of this section and of those below it, by their names."""
        below = {name: picture for section in self.more for name, picture in section.pictures.items()}
        return ({self.name: self.chart} if self.chart else {}) | below


@dataclass(frozen=True)
class Report:
    """All that was measured: on which machine, and by benchmark when and what.

    Attributes
    ----------
    machine
        What the header of the report says, in its order.
    sections
        By name ``{"date": ..., "data": ...}``, in the order of the report.
    """

    machine: dict[str, str]
    sections: dict[str, dict[str, Any]]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Report:
        """Read what was measured.

        Raises
        ------
        Problem
            If nothing was.
        """
        try:
            return cls(**json.loads((folder / "report.json").read_text()))
        except FileNotFoundError:
            raise Problem(f"{folder / 'report.json'} is not there: measure everything once, with make bench") from None

    @property
    def measured(self) -> dict[str, Any]:
        """The data of each section, by its name."""
        return {name: entry["data"] for name, entry in self.sections.items()}

    def add(self, section: Section) -> None:
        """Take a section in, in place of the one of that name."""
        # As it comes back from the file, so that the page made now is the page made later.
        data = json.loads(json.dumps(section.data))
        self.sections[section.name] = {"date": datetime.now(UTC).date().isoformat(), "data": data}

    def files(self, sections: Mapping[str, Callable[[Any], Section]]) -> dict[str, str]:
        """Return the files of the report by their names.

        Parameters
        ----------
        sections
            By the name of each benchmark what makes its section; the report has them in this order.
        """
        made = [(self.sections[name], make(self.measured[name])) for name, make in sections.items() if name in self]
        pictures = {f"report/{name}.svg": picture for _, section in made for name, picture in section.pictures.items()}
        content = {"machine": self.machine, "sections": {section.name: entry for entry, section in made}}
        return {
            "report.json": json.dumps(content, indent=1) + "\n",
            "report.md": page(self.machine, [(entry["date"], section) for entry, section in made]),
            **pictures,
        }

    def write(self, sections: Mapping[str, Callable[[Any], Section]], folder: Path = FOLDER) -> None:
        """Write the report's files; pictures that it does not have any more go."""
        files = self.files(sections)
        (folder / "report").mkdir(parents=True, exist_ok=True)
        for picture in (folder / "report").glob("*.svg"):
            picture.unlink()
        for name, content in files.items():
            (folder / name).write_text(content)

    def __contains__(self, name: str) -> bool:
        return name in self.sections


def this_machine() -> dict[str, str]:
    """Return what the figures hold for: the machine, and what was measured with."""
    emulator = next(line for line in _EMULATOR.read_text().splitlines() if line.startswith("ministack"))
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores ({platform.machine()})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "packages": ", ".join([*packages, emulator.split(";")[0].strip().replace("==", " ")]),
        "busy before": f"{os.getloadavg()[0]:.1f} processes on average in the minute before",
    }


def page(machine: Mapping[str, str], sections: Sequence[tuple[str, Section]]) -> str:
    """Return the report as Markdown; each section comes with the day it was measured on."""
    contents = [f"- [{section.title}](#{_anchor(section.title)})" for _, section in sections]
    facts = [f"| {name} | {fact} |" for name, fact in machine.items()]
    parts = [
        "<!-- written by `make bench` from report.json: do not edit -->",
        "# What it costs: time, calls, money",
        "Every figure is a median. Beside the one that a table is about is its spread, the lowest and the highest run, "
        "and how many runs there were; report.json has the spread of all. A ratio is to a floor measured in the same "
        "run, so that it means the same on another machine. What is assumed, and what was not measured, each section "
        "says. Make it again with `make bench`; README.md beside this page "
        "says how each figure comes about.",
        "\n".join(["| | |", "|---|---|", *facts]),
        "\n".join(contents),
        *[_section(section, "##", f"Measured on {date}.") for date, section in sections],
    ]
    return "\n\n".join(parts) + "\n"


def printed(section: Section) -> str:
    """Return a section as a terminal shows it."""
    table = (section.head, *section.rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(section.head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    below = (f"\n{one.title}\n\n{printed(one)}" for one in section.more)
    return "\n".join([section.about, "", *lines, *below])


def short(number: float) -> str:
    """Return a number with the digits that count: three, and thousands in full."""
    if number == 0 or abs(number) >= _WHOLE:
        return f"{number:,.0f}"
    if abs(number) >= _TENTHS:
        return f"{number:.1f}"
    return f"{number:.2f}" if abs(number) >= 1 else f"{number:.3g}"


def _section(section: Section, heading: str, measured: str = "") -> str:
    parts = [f"{heading} {section.title}", _PARTS.sub(r"\n\n**\1:**", section.about)]
    if measured:
        parts.append(measured)
    if section.chart:
        parts.append(f"![{section.title}](report/{section.name}.svg)")
    rows = (f"| {' | '.join(row)} |" for row in section.rows)
    parts.append("\n".join([f"| {' | '.join(section.head)} |", "|---" * len(section.head) + "|", *rows]))
    return "\n\n".join([*parts, *[_section(below, f"{heading}#") for below in section.more]])


def _anchor(title: str) -> str:
    """The name that GitHub gives a heading: lower case, dashes for spaces, without punctuation."""
    return "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def _processor() -> str:
    """The processor's name; Linux has it in a file only."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        names = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        if names:
            return names[0]
    return platform.processor() or platform.machine()
