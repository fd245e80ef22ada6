"""The report: ``report.json`` has all that was measured; ``report.md`` and the pictures are made from it alone."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from tools.bench.section import TEXTS, Section
from tools.console import Problem
from tools.markdown import table
from tools.stack.stack import ROOT

FOLDER = ROOT / "tools" / "bench"
_NUMBERS = "report.json"
_PACKAGES = ("boto3", "botocore", "aws-lambda-powertools", "pydantic", "moto", "aws-sam-cli")
# The emulator has an environment of its own: its version is the pinned one.
_EMULATOR = ROOT / "requirements" / "emulator.in"
_PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Run:
    """The input of every benchmark: whether few runs are enough, and the data of earlier sections, by name."""

    quick: bool = False
    measured: Mapping[str, Any] = field(default_factory=dict)


class Benchmark(Protocol):
    """A module: ``measure(run, ...)`` has options with defaults and ends with ``return section(data)``.

    ``section(data)`` makes the section from the numbers alone, as they come back from JSON: nobody edits a figure.
    """

    measure: Callable[..., Section]
    section: Callable[[Any], Section]


@dataclass(frozen=True)
class Report:
    """All that was measured: the machine's facts, and by the name of a benchmark ``{"date": ..., "data": ...}``."""

    machine: dict[str, str]
    sections: dict[str, dict[str, Any]]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Report:
        """Read what was measured; it is a ``Problem`` if nothing was."""
        try:
            return cls(**json.loads((folder / _NUMBERS).read_text()))
        except FileNotFoundError:
            raise Problem(f"{folder / _NUMBERS} does not exist: measure everything once, with make bench") from None

    @property
    def measured(self) -> dict[str, Any]:
        """The data of each section, by its name."""
        return {name: entry["data"] for name, entry in self.sections.items()}

    def add(self, section: Section) -> None:
        """Take a section in, in place of the one of that name."""
        # As it comes back from the file, so that the page made now is the page made later.
        data = json.loads(json.dumps(section.data))
        self.sections[section.name] = {"date": datetime.now(UTC).date().isoformat(), "data": data}

    def files(self, benchmarks: Mapping[str, Benchmark]) -> dict[str, str]:
        """Return the files of the report by their names, with its sections in the order of the benchmarks."""
        entries = {name: self.sections[name] for name in benchmarks if name in self.sections}
        made = [(entry["date"], benchmarks[name].section(entry["data"])) for name, entry in entries.items()]
        pictures = {f"report/{name}.svg": picture for _, section in made for name, picture in section.pictures.items()}
        return {
            _NUMBERS: json.dumps({"machine": self.machine, "sections": entries}, indent=1) + "\n",
            "report.md": page(self.machine, made),
            **pictures,
        }

    def write(self, benchmarks: Mapping[str, Benchmark], folder: Path = FOLDER) -> None:
        """Write the report's files, and remove pictures that it has no more."""
        files = self.files(benchmarks)
        (folder / "report").mkdir(parents=True, exist_ok=True)
        for picture in (folder / "report").glob("*.svg"):
            picture.unlink()
        for name, content in files.items():
            (folder / name).write_text(content)


def this_machine() -> dict[str, str]:
    """Return what the header of the report says, in its order."""
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    emulator = re.findall(r"^(ministack)==([\d.]+)", _EMULATOR.read_text(), re.MULTILINE)
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores ({platform.machine()})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "packages": ", ".join([*packages, *map(" ".join, emulator)]),
        "busy before": f"{os.getloadavg()[0]:.1f} processes on average in the minute before",
    }


def page(machine: Mapping[str, str], sections: Sequence[tuple[str, Section]]) -> str:
    """Return the report as Markdown; each section comes with the day it was measured on."""
    return (
        TEXTS.joinpath("report.md")
        .read_text()
        .format(
            machine=table(("", ""), machine.items()),
            contents="\n".join(f"- [{section.title}](#{_anchor(section.title)})" for _, section in sections),
            sections="\n\n".join(section.markdown(measured=f"Measured on {date}.") for date, section in sections),
        )
    )


def _anchor(title: str) -> str:
    """Return the name that GitHub gives a heading: lower case, dashes for spaces, without punctuation."""
    return re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))


def _processor() -> str:
    """Return the processor's name, which Linux has in a file only."""
    names = re.findall(r"^model name\s*: (.*)$", _PROCESSORS.read_text(), re.MULTILINE) if _PROCESSORS.is_file() else []
    return names[0] if names else platform.processor() or platform.machine()
