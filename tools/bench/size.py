"""What each function ships, unpacked: our code, each library, and the bytecode of both."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.bench import packages, shop
from tools.bench.bounds import MEGABYTES_OF_PACKAGE
from tools.bench.pictures import stacked
from tools.bench.report import Section
from tools.console import Problem, say, styled
from tools.stack.stack import STATE_DIRECTORY

OURS = "storefront"
BYTECODE = "bytecode"
# In Lambda's runtime: a private copy would be older or newer, and is larger than everything else.
_OF_THE_RUNTIME = {"boto3", "botocore"}
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Package:
    """A package and the functions that ship it.

    Attributes
    ----------
    parts
        Bytes by what they belong to: our code, a library (what a module or a folder at its top is called), or bytecode.
    """

    functions: list[str]
    parts: dict[str, int]

    @property
    def total(self) -> int:
        """All bytes of its files."""
        return sum(self.parts.values())

    def broken(self) -> Iterator[str]:
        """Yield what is wrong with it."""
        if self.total > MEGABYTES_OF_PACKAGE * _MEGABYTE:
            yield f"{_megabytes(self.total)} in {_names(self.functions)}, at most {MEGABYTES_OF_PACKAGE} MB"
        yield from (f"{name} in {_names(self.functions)}" for name in sorted(self.parts.keys() & _OF_THE_RUNTIME))


def add_to(benchmarks: Any) -> None:
    """Add this benchmark to the command line."""
    parser = benchmarks.add_parser("size", help="what each function ships, unpacked", description=__doc__)
    shop.add_package_option(parser)
    parser.add_argument("--check", action="store_true", help="fail if a package is too large, or has the AWS SDK")


def measure(arguments: argparse.Namespace) -> Section:
    """Measure every package.

    Raises
    ------
    Problem
        Where that is asked for: one is too large, or has what the runtime has.
    """
    built = shop.built_packages(arguments.package, STATE_DIRECTORY / "bench")
    functions: defaultdict[Path, list[str]] = defaultdict(list)
    for package, first in packages.distinct(built.values()).items():
        functions[first] += [name for name, path in built.items() if path == package]
    found = [Package(sorted(set(names)), parts_of(package)) for package, names in functions.items()]
    broken = broken_bounds(found)
    for line in broken:
        say(styled(f"not kept: {line}", "red"))
    if broken and arguments.check:
        raise Problem(f"{len(broken)} bounds are not kept, see above")
    return section({"packages": [asdict(package) for package in found]})


def broken_bounds(found: Iterable[Package]) -> list[str]:
    """Return the bounds that are not kept, each with what was measured."""
    return [line for package in found for line in package.broken()]


def section(data: Any) -> Section:
    """Make the report's section."""
    found = [Package(**package) for package in data["packages"]]
    broken = broken_bounds(found)
    verdict = "Every bound is kept." if not broken else f"**Not kept: {'; '.join(broken)}.**"
    return Section(
        title="Package size",
        about=(
            f"What a function ships, unpacked: the bytes of its files. It may be {MEGABYTES_OF_PACKAGE} MB at the "
            f"most, and has no copy of the AWS SDK, which is in the runtime; there are no layers. {verdict} Assumed: a "
            "file takes as many bytes as it has. Not measured: what file systems add."
        ),
        head=("functions", "part", "MB", "share"),
        rows=[row for package in found for row in _rows(package)],
        chart=stacked(
            "Unpacked size",
            [(_names(package.functions), _in_megabytes(package)) for package in found],
            "{} MB",
        ),
        name="size",
        data=data,
    )


def parts_of(package: Path) -> dict[str, int]:
    """Return how many bytes each part of a package has, the largest first; a library's metadata is its own."""
    parts: defaultdict[str, int] = defaultdict(int)
    for path in package.rglob("*"):
        if path.is_file():
            top = path.relative_to(package).parts[0]
            name = top.split("-")[0] if top.endswith(".dist-info") else top.partition(".")[0]
            parts[BYTECODE if path.suffix == ".pyc" else name] += path.stat().st_size
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def _rows(package: Package) -> Iterator[tuple[str, ...]]:
    names = _names(package.functions)
    yield names, "all", _megabytes(package.total), "100 %"
    for part, size in package.parts.items():
        yield names, "ours" if part == OURS else part, _megabytes(size), f"{100 * size / package.total:.0f} %"


def _in_megabytes(package: Package) -> dict[str, float]:
    """Return the parts as shares of a picture: those that can be seen, and the rest."""
    seen = {name: size for name, size in package.parts.items() if size * 50 > package.total}
    rest = package.total - sum(seen.values())
    shares = {name: size / _MEGABYTE for name, size in seen.items()}
    return {**shares, "others": rest / _MEGABYTE} if rest else shares


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.2f} MB"


def _names(functions: list[str]) -> str:
    return functions[0] if len(functions) == 1 else f"{len(functions)} functions, one package"
