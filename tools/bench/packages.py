"""The functions' packages: what ``sam build`` makes, what is shipped as it is, and what they are compared with."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from tools.console import Problem
from tools.environments import BENCH, DEV
from tools.stack import apart
from tools.stack.deployment import TEMPLATE
from tools.stack.stack import ROOT

_ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
_TIMEOUT_SECONDS = 300
_FLOORS = Path(__file__).with_name("floors")


def shipped(directory: Path, given: Path | None = None) -> dict[str, Path]:
    """Return what each function ships, by its logical id: what is built in the directory, or was built before."""
    built = dict.fromkeys(functions(), given.resolve()) if given else _build(directory / "build")
    unbuilt = {name: _as_checked_out(name, directory / "unbuilt" / name) for name in functions() if not is_built(name)}
    return built | unbuilt


@cache
def functions(template: Path = TEMPLATE) -> dict[str, Any]:
    """Return the functions of a template by their logical ids."""
    return {
        name: resource
        for name, resource in yaml_parse(template.read_text())["Resources"].items()
        # A loop of CloudFormation's is a list.
        if isinstance(resource, dict) and resource["Type"] == "AWS::Serverless::Function"
    }


def is_built(name: str) -> bool:
    """Tell whether ``sam build`` makes a function's package; otherwise its folder is shipped as it is."""
    return not functions()[name].get("Metadata", {}).get("SkipBuild")


def distinct(packages: Iterable[Path]) -> dict[Path, Path]:
    """Return for each package the first one that holds the same files: all functions may ship the same."""
    first: dict[frozenset[tuple[str, int, int]], Path] = {}
    return {package: first.setdefault(_content(package), package) for package in packages}


def _content(package: Path) -> frozenset[tuple[str, int, int]]:
    """What tells packages apart without reading them: one that is the same is hard links to the same files."""
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


def _build(directory: Path) -> dict[str, Path]:
    """Build for this machine's processor."""
    if sys.platform != "linux":
        raise Problem("packages are built for Linux and measured by running them: run the benchmark on Linux")
    command = [sys.executable, "-m", "samcli", "build", "--build-dir", str(directory)]
    ran = subprocess.run(
        [*command, "--parameter-overrides", f"Architecture={_ARCHITECTURE}"],
        cwd=ROOT,
        # As `make build` does: the functions' Python is looked for there first.
        env=apart.variables()
        | {"PATH": f"{DEV.python.parent}{os.pathsep}{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if ran.returncode:
        log = directory.with_name("build.log")
        log.write_text(ran.stdout + ran.stderr)
        raise Problem(f"sam build fails: does make build succeed? details: {log}")
    built = functions(directory / "template.yaml")
    return {name: directory / resource["Properties"]["CodeUri"] for name, resource in built.items()}


def _as_checked_out(name: str, copy: Path) -> Path:
    """Copy a function's folder without the bytecode that running it on this machine has left there."""
    shutil.rmtree(copy, ignore_errors=True)
    return without_bytecode(ROOT / functions()[name]["Properties"]["CodeUri"], copy)
