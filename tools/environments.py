"""Creates the virtual environments; run by whatever Python there is, so it uses the standard library only.

There are three because the emulator and a scanner pin older versions of botocore than the SAM CLI accepts: ``.venv``
for the tools and checks, ``.venv-emulator`` for the emulator and, inside it, the functions, ``.venv-scanners`` for
the scanners. ``.venv-bench`` is what a function finds in Lambda's runtime.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem, Step, problems_reported

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 900
# There is no wheel for some of the systems this runs on: musl, Intel Macs, the newest Python.
_SOMETIMES_BUILT = {"cryptography", "watchdog"}
_UNREACHABLE = re.compile(
    r"No matching distribution|Could not find a version|ConnectionError|NewConnectionError|Max retries|timed out"
    r"|Name or service not known|Temporary failure|Network is unreachable|ProxyError|SSLError|HTTPError",
)


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the pinned requirements it must hold.

    ``includes`` names requirements that are a part of the ones installed, so that ``make up`` after ``make test``
    has nothing to do. ``parts`` is how many installers share the work. ``is_runtime`` makes it like Lambda's: the
    Python that the functions run on there, and everything compiled before it is first imported.
    """

    directory: Path
    requirements: str
    includes: tuple[str, ...] = ()
    parts: int = 1
    is_runtime: bool = False

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.directory / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """The file that says what is installed; there is none while an installation goes on."""
        return self.directory / "installed.json"


EMULATOR = Environment(ROOT / ".venv-emulator", "emulator")
TOOLS = Environment(ROOT / ".venv", "tools", parts=2)
DEV = Environment(ROOT / ".venv", "dev", includes=("tools",), parts=2)
# Apart from everything else: it runs beside what is about to be deployed.
BOM = Environment(ROOT / ".venv-bom", "bom")
SCANNERS = Environment(ROOT / ".venv-scanners", "scanners", parts=2)
BENCH = Environment(ROOT / ".venv-bench", "bench", is_runtime=True)
PIP = TOOLS.python  # the interpreter whose pip installs into all of them
GROUPS = {
    "tools": (TOOLS, EMULATOR),
    "dev": (DEV, EMULATOR, BOM),
    "check": (DEV, EMULATOR, BOM, SCANNERS),
    "bom": (TOOLS, BOM),
    "bench": (DEV, EMULATOR, BENCH),
}
# What the template says of the functions' runtime.
RUNTIME = (3, 13)


def ensure(group: str) -> None:
    """Install what a group of commands needs, side by side; do nothing where it is installed already.

    Parameters
    ----------
    group
        ``tools`` for running the stack, ``dev`` for the tests as well, ``check`` for the checks and scanners too,
        ``bench`` for the benchmarks.

    Raises
    ------
    Problem
        If packages cannot be downloaded or installed.
    """
    missing = [environment for environment in GROUPS[group] if not _is_installed(environment)]
    if not missing:
        return
    step = Step(f"install the {group} with Python {sys.version.split()[0]}")
    counts: dict[str, str] = {}
    for environment in dict.fromkeys((GROUPS[group][0], *missing)):
        step.progress(f"new environment {environment.directory.name}")
        _create(environment)
    with ThreadPoolExecutor(len(missing)) as pool:
        installs = [pool.submit(_install, environment, counts) for environment in missing]
        while not all(install.done() for install in installs):
            step.progress(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
            time.sleep(0.2)
    failures = [failure for install in installs if (failure := install.exception())]
    if failures:
        step.failed()
        raise failures[0]
    step.done()


def _digest(requirements: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / f"{requirements}.txt").read_bytes()).hexdigest()


def _is_installed(environment: Environment) -> bool:
    try:
        installed = json.loads(environment.stamp.read_text())
    except (OSError, ValueError):
        return False
    return installed.get(environment.requirements) == _digest(environment.requirements) and _runs(environment)


def _runs(environment: Environment) -> bool:
    """Whether the environment's interpreter still exists: it goes when its base Python is removed."""
    return environment.python.exists()


def _create(environment: Environment) -> None:
    """Create the environment if there is none; pip, which takes seconds to set up, is in one of them only."""
    if environment.is_runtime and sys.version_info[:2] != RUNTIME:
        version = ".".join(map(str, RUNTIME))
        raise Problem(
            f"this is Python {sys.version.split()[0]}, and in Lambda the functions run on {version}: install that "
            f"(macOS: brew install python@{version}; Linux: uv python install {version}), or name one with "
            f"PYTHON=/path/to/python{version}"
        )
    if not _runs(environment):
        shutil.rmtree(environment.directory, ignore_errors=True)
        without_pip = [] if environment.python == PIP else ["--without-pip"]
        _run([sys.executable, "-m", "venv", *without_pip, str(environment.directory)], environment)


def _install(environment: Environment, counts: dict[str, str]) -> None:
    environment.stamp.unlink(missing_ok=True)
    collected = Counter[str]()

    def count(line: str) -> None:
        collected["packages"] += line.startswith("Collecting")
        counts[environment.requirements] = f"{collected['packages']} packages"

    # Everything is pinned with its dependencies, so there is nothing to resolve; bytecode is compiled when a module
    # is first imported, which most are not.
    pip_install = [str(PIP), "-m", "pip", "--python", str(environment.python), "install", "--no-input"]
    options = ["--no-deps", "--no-compile", "--require-hashes", "--progress-bar=off"]
    parts = _split(environment)
    with ThreadPoolExecutor(len(parts)) as pool:
        commands = [[*pip_install, *options, "--requirement", str(part)] for part in parts]
        list(pool.map(lambda command: _run(command, environment, count), commands))
    if environment.is_runtime:
        _run([str(environment.python), "-m", "compileall", "-q", str(environment.directory / "lib")], environment)
    names = (environment.requirements, *environment.includes)
    environment.stamp.write_text(json.dumps({name: _digest(name) for name in names}))


def _split(environment: Environment) -> list[Path]:
    """Divide the pinned requirements into files that are installed side by side.

    Most of pip's time goes into reading the index's pages, one after the other, in one thread; a third less if it
    need not look at source distributions.
    """
    pinned = (ROOT / "requirements" / f"{environment.requirements}.txt").read_text()
    packages = re.split(r"\n(?=\w)", pinned)
    parts = [environment.directory / f"requirements-{number}.txt" for number in range(environment.parts)]
    for number, part in enumerate(parts):
        share = packages[number :: len(parts)]
        wheels_only = {package.partition("==")[0] for package in share} - _SOMETIMES_BUILT
        part.write_text("\n".join([f"--only-binary {','.join(sorted(wheels_only))}", *share]) + "\n")
    return parts


def _run(command: list[str], environment: Environment, read: Callable[[str], None] | None = None) -> None:
    """Run a command and pass each line it prints on; explain the failure if it fails."""
    # A person's settings for pip apply (index, proxy, certificates), except installing outside the environment.
    variables = {key: value for key, value in os.environ.items() if key not in {"PYTHONHOME", "PYTHONPATH"}}
    variables |= {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    output: list[str] = []
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        timer = threading.Timer(TIMEOUT_SECONDS, process.kill)
        timer.start()
        try:
            for line in process.stdout or ():
                output.append(line)
                if read:
                    read(line)
        finally:
            timer.cancel()
    if process.returncode:
        raise _explain(environment, output)


def _explain(environment: Environment, output: list[str]) -> Problem:
    """Say what went wrong in an installation and what to do about it."""
    log = ROOT / ".local" / f"install-{environment.requirements}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("".join(output))
    details = f"details: {log.relative_to(ROOT)}"
    text = "".join(output)
    if "DO NOT MATCH THE HASHES" in text:
        return Problem(f"a downloaded package is not the one pinned: try again, or check your package index; {details}")
    if _UNREACHABLE.search(text):
        return Problem(
            "packages cannot be downloaded: check the network, proxy and index (pip config list) and run it again; "
            + details
        )
    errors = [line.strip() for line in output if "error" in line.lower()]
    reason = errors[-1] if errors else (output[-1].strip() if output else "no output")
    return Problem(f"installing {environment.directory.name} failed: {reason}; {details}")


def main() -> None:
    """Create the environments a group of commands needs."""
    parser = argparse.ArgumentParser(prog="python -m tools.environments", description=main.__doc__)
    parser.add_argument("group", choices=GROUPS, help="tools: run the stack; dev: test too; check, bench: that too")
    with problems_reported():
        ensure(parser.parse_args().group)


if __name__ == "__main__":
    main()
