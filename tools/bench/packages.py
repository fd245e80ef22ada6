"""The functions' packages: what ``sam build`` makes, what is shipped as it is, and what they are compared with."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.console import Problem
from tools.environments import BENCH
from tools.sam_local.build import build
from tools.stack.stack import ROOT
from tools.testing.template import resources, source

_ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
_TIMEOUT_SECONDS = 300
_FLOORS = Path(__file__).with_name("floors")


def shipped(directory: Path, given: Path | None = None) -> dict[str, Path]:
    """Return what each function ships, by its logical id: what is built in the directory, or was built before."""
    packages = {}
    built = {} if given else _built(directory / "build")
    for name, function in _functions().items():
        if is_built(name):
            packages[name] = given.resolve() if given else built[name]
        else:
            # Without the bytecode that running it on this machine has left there.
            copy = directory / "unbuilt" / name
            shutil.rmtree(copy, ignore_errors=True)
            packages[name] = without_bytecode(ROOT / function["CodeUri"], copy)
    return packages


def is_built(name: str) -> bool:
    """Tell whether ``sam build`` makes a function's package; otherwise its folder is shipped as it is."""
    return not source()["Resources"][name].get("Metadata", {}).get("SkipBuild")


def distinct(packages: Iterable[Path]) -> dict[Path, Path]:
    """Return for each package the first one that holds the same files: all functions may ship the same."""
    first: dict[frozenset[tuple[str, int, int]], Path] = {}
    return {package: first.setdefault(_content(package), package) for package in packages}


def _content(package: Path) -> frozenset[tuple[str, int, int]]:
    """The identity of a package, found without reading it: one that is the same is hard links to the same files."""
    found = ((path.relative_to(package), path.stat()) for path in package.rglob("*") if path.is_file())
    return frozenset((str(name), status.st_size, status.st_mtime_ns) for name, status in found)


def has_bytecode(package: Path) -> bool:
    """Tell whether a package ships bytecode."""
    return any(package.rglob("*.pyc"))


def require_bytecode(package: Path) -> None:
    """Look that a package ships bytecode; without any there is nothing to compare, which is a ``Problem``."""
    if not has_bytecode(package):
        raise Problem(f"{package} has no bytecode: build it with make build")


def without_bytecode(package: Path, copy: Path) -> Path:
    """Copy a package as it would be without its bytecode."""
    return Path(shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__")))


def of_floors(package: Path) -> Path:
    """Make a package of the floors, with bytecode as the build ships it."""
    package.mkdir()
    for module in _FLOORS.glob("*.py"):
        shutil.copy(module, package)
    command = [str(BENCH.python), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(package)]
    subprocess.run(command, check=True, timeout=_TIMEOUT_SECONDS)
    return package


def _built(directory: Path) -> dict[str, Path]:
    """Build for this machine's processor."""
    if sys.platform != "linux":
        raise Problem("packages are built for Linux and measured by running them: run the benchmark on Linux")
    directory.parent.mkdir(parents=True, exist_ok=True)
    build(directory, _ARCHITECTURE)
    functions = _functions(str(directory / "template.yaml"))
    return {name: directory / function["CodeUri"] for name, function in functions.items()}


def _functions(template: str = "template.yaml") -> dict[str, Any]:
    return resources("AWS::Serverless::Function", source(template))
