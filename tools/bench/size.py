"""The size of each function's package, unpacked: our code, each library, and the bytecode of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.bench import bounds, packages, shop
from tools.bench.bounds import MEGABYTES_OF_PACKAGE
from tools.bench.pictures import stacked
from tools.bench.report import Run
from tools.bench.section import Section, about, verdict

OURS = "storefront"
BYTECODE = "bytecode"
# In Lambda's runtime: a private copy would be older or newer, and is larger than everything else.
_OF_THE_RUNTIME = {"boto3", "botocore"}
_MEGABYTE = 1_000_000
# The smallest share that can be seen in a picture.
_SEEN = 0.02


@dataclass(frozen=True)
class Package:
    """A package, the functions that ship it, and its bytes by part: our code, a library's name, or bytecode."""

    functions: list[str]
    parts: dict[str, int]

    @property
    def name(self) -> str:
        """The name of its function, or how many share it."""
        return self.functions[0] if len(self.functions) == 1 else f"{len(self.functions)} functions, one package"

    @property
    def total(self) -> int:
        """All bytes of its files."""
        return sum(self.parts.values())

    @property
    def shares(self) -> dict[str, float]:
        """The parts in megabytes, those too small for a picture together."""
        seen = {part: size / _MEGABYTE for part, size in self.parts.items() if size > _SEEN * self.total}
        rest = self.total / _MEGABYTE - sum(seen.values())
        return {**seen, "others": rest} if len(seen) < len(self.parts) else seen

    @property
    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of its rows."""
        yield self.name, "all", _megabytes(self.total), "100 %"
        for part, size in self.parts.items():
            yield self.name, "ours" if part == OURS else part, _megabytes(size), f"{100 * size / self.total:.0f} %"

    def broken(self) -> Iterator[str]:
        """Yield the bounds that it does not keep."""
        if self.total > MEGABYTES_OF_PACKAGE * _MEGABYTE:
            yield f"{_megabytes(self.total)} in {self.name}, at most {MEGABYTES_OF_PACKAGE} MB"
        yield from (f"{name} in {self.name}" for name in sorted(self.parts.keys() & _OF_THE_RUNTIME))


def measure(_: Run, *, target: shop.Target = shop.DEFAULT, check: bool = False) -> Section:
    """Measure every package; a bound that is not kept is a ``Problem`` where that is checked."""
    shipped = target.packages()
    functions: defaultdict[Path, list[str]] = defaultdict(list)
    first = packages.distinct(shipped.values())
    for name, package in sorted(shipped.items()):
        functions[first[package]].append(name)
    found = [Package(names, parts_of(package)) for package, names in functions.items()]
    bounds.tell(broken_bounds(found), check=check)
    return section({"packages": [asdict(package) for package in found]})


def section(data: Any) -> Section:
    """Make the report's section."""
    found = [Package(**package) for package in data["packages"]]
    return Section(
        *about("size", most=MEGABYTES_OF_PACKAGE, verdict=verdict(broken_bounds(found))),
        head=("functions", "part", "MB", "share"),
        rows=[row for package in found for row in package.rows],
        chart=stacked("Unpacked megabytes", [(package.name, package.shares) for package in found]),
        data=data,
    )


def broken_bounds(found: Iterable[Package]) -> list[str]:
    """Return the bounds that are not kept, each with what was measured."""
    return [line for package in found for line in package.broken()]


def parts_of(package: Path) -> dict[str, int]:
    """Return how many bytes each part of a package has, the largest first; a library's metadata is its own."""
    parts: defaultdict[str, int] = defaultdict(int)
    for path in package.rglob("*"):
        if path.is_file():
            top = path.relative_to(package).parts[0]
            name = top.split("-")[0] if top.endswith(".dist-info") else top.partition(".")[0]
            parts[BYTECODE if path.suffix == ".pyc" else name] += path.stat().st_size
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.2f} MB"
