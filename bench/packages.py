"""The packages that ``sam build`` makes: where each function's is, and copies of it to compare it with."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from bench import floors
from local.console import Problem
from local.environments import BENCH
from local.stack import ROOT

_ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
_TIMEOUT_SECONDS = 300


def build(directory: Path) -> dict[str, Path]:
    """Build for this machine's processor, and return the functions' packages by their logical ids.

    Raises
    ------
    Problem
        If this machine cannot run what Lambda runs, or the build fails.
    """
    if sys.platform != "linux":
        raise Problem("packages are built for Linux and measured by running them: run the benchmark on Linux")
    # The build looks for the functions' Python; the environment was made with it.
    path = os.pathsep.join([str(BENCH.python.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "samcli", "build", "--build-dir", str(directory)),
            *("--cache-dir", str(directory.with_name("cache"))),
            *("--parameter-overrides", f"Architecture={_ARCHITECTURE}"),
        ],
        cwd=ROOT,
        env=os.environ | {"PATH": path, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise Problem(f"sam build fails, see make build: {(ran.stderr.strip() or 'no output').splitlines()[-1]}")
    resources = yaml_parse((directory / "template.yaml").read_text())["Resources"]
    return {
        name: directory / resource["Properties"]["CodeUri"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def require_bytecode(packages: Collection[Path]) -> None:
    """Look that packages ship bytecode.

    Raises
    ------
    Problem
        If one has none: then there is nothing to compare.
    """
    for package in set(packages):
        if not any(package.rglob("*.pyc")):
            raise Problem(f"{package} has no bytecode: build it with make build")


def without_bytecode(packages: Collection[Path], directory: Path) -> dict[Path, Path]:
    """Copy packages as they would be without their bytecode; return the copies by the packages.

    Most functions share what is in their packages, so one copy is made of those with the same content.
    """
    copies: dict[Path, Path] = {}
    for number, package in enumerate(sorted(set(packages))):
        copies[package] = directory / f"without-bytecode-{number}"
        shutil.copytree(package, copies[package], ignore=shutil.ignore_patterns("__pycache__"))
    return copies


def floor_package(directory: Path) -> Path:
    """Make a package of the floors, with bytecode as the build ships it."""
    source = Path(floors.__file__).parent
    package = directory / "floors"
    shutil.copytree(source, package / "floors", ignore=shutil.ignore_patterns("__pycache__"))
    command = [str(BENCH.python), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(package)]
    subprocess.run(command, check=True, timeout=_TIMEOUT_SECONDS)
    return package
