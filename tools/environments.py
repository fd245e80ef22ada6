"""Creates the virtual environments; run by whatever Python there is, so it uses the standard library only.

The emulator and a scanner pin an older botocore than the SAM CLI accepts, and the SAM CLI an older click than mutmut.
"""

import argparse
import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE_DIRECTORY = ROOT / ".local"
_TIMEOUT_SECONDS = 900
# The functions' runtime in the template.
RUNTIME = (3, 13)
_UNREACHABLE = re.compile(
    r"No matching distribution|Could not find a version|ConnectionError|NewConnectionError|Max retries|timed out"
    r"|Name or service not known|Temporary failure|Network is unreachable|ProxyError|SSLError|HTTPError",
)
# A person's settings for pip apply (index, proxy, certificates), except installing outside the environment.
_VARIABLES = {key: value for key, value in os.environ.items() if key not in {"PYTHONHOME", "PYTHONPATH"}}
_VARIABLES |= {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
# A shell starts the environment's Python, also one whose path has a space in it; to Python those lines are a text.
_STOREFRONT = """\
#!/bin/sh
'''exec' env -u PYTHONWARNINGS "{python}" "$0" "$@"
'''
import sys

sys.path.insert(0, {root!r})

try:
    from tools.cli import main
except ModuleNotFoundError as missing:
    sys.exit(f"error: {{missing.name}} is not installed in .venv: remove .venv, then make up")

main()
"""


class InstallationFailed(SystemExit):
    """Ends the command with one line that says what went wrong and what to do."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"error: {problem}")


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the pinned requirements it must hold."""

    directory: Path
    requirements: str
    includes: tuple[str, ...] = ()  # a part of them: so `make up` after `make test` has nothing to do
    is_runtime: bool = False  # like Lambda's: of the functions' Python, and compiled before the first import

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.directory / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """The file that says what is installed; there is none while an installation goes on."""
        return self.directory / "installed.json"

    def is_installed(self) -> bool:
        """Whether it holds what is pinned for its interpreter, which goes or changes with its base Python."""
        try:
            installed = json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return False
        base = installed.get("python", self.base)  # one that an earlier version has installed does not say
        return installed.get(self.requirements) == _digest(self.requirements) and base == self.base and self.runs()

    @property
    def base(self) -> str:
        """The Python that the environment's interpreter is a link to."""
        return str(self.python.resolve())

    def runs(self) -> bool:
        """Whether there is an interpreter that may be run."""
        return os.access(self.python, os.X_OK)


EMULATOR = Environment(ROOT / ".venv-emulator", "emulator")  # and, inside the emulator, the functions
TOOLS = Environment(ROOT / ".venv", "tools")
DEV = Environment(ROOT / ".venv", "dev", includes=("tools",))
# Apart from everything else: it runs beside what is about to be deployed.
BOM = Environment(ROOT / ".venv-bom", "bom")
SCANNERS = Environment(ROOT / ".venv-scanners", "scanners")
MUTATION = Environment(ROOT / ".venv-mutation", "mutation")
BENCH = Environment(ROOT / ".venv-bench", "bench", is_runtime=True)
COMMAND = TOOLS.python.with_name("storefront")
PIP = TOOLS.python  # the interpreter whose pip installs into all of them
GROUPS = {
    "tools": (TOOLS, EMULATOR),
    "dev": (DEV, EMULATOR, BOM),
    "check": (DEV, EMULATOR, BOM, SCANNERS),
    "bom": (TOOLS, BOM),
    "mutation": (TOOLS, MUTATION),
    "bench": (DEV, EMULATOR, BENCH),
}


def ensure(group: str) -> None:
    """Install what a group of commands needs, side by side, unless it is installed already."""
    missing = [environment for environment in GROUPS[group] if not environment.is_installed()]
    if missing:
        _install_all(group, missing)
    if not COMMAND.exists():
        # Installing the project with pip would need a build backend, and leave its metadata in the checkout.
        COMMAND.write_text(_STOREFRONT.format(python=TOOLS.python, root=str(ROOT)))
        COMMAND.chmod(0o755)


def _install_all(group: str, missing: list[Environment]) -> None:
    started = time.monotonic()
    title = f"install the {group} with Python {sys.version.split()[0]}"
    print(f"  {title} ...", flush=True)
    for environment in dict.fromkeys((GROUPS[group][0], *missing)):
        _create(environment)
    with ThreadPoolExecutor(len(missing)) as pool:
        list(pool.map(_install, missing))
    print(f"✓ {title} ({time.monotonic() - started:.1f} s)", flush=True)


def _pins(requirements: str) -> Path:
    return ROOT / "requirements" / f"{requirements}.txt"


def _digest(requirements: str) -> str:
    return hashlib.sha256(_pins(requirements).read_bytes()).hexdigest()


def _create(environment: Environment) -> None:
    """Create the environment if there is none; pip, which takes seconds to set up, is in one of them only."""
    if environment.is_runtime and sys.version_info[:2] != RUNTIME:
        version = ".".join(map(str, RUNTIME))
        raise InstallationFailed(
            f"this is Python {sys.version.split()[0]}, and in Lambda the functions run on {version}: install that "
            f"(macOS: brew install python@{version}; Linux: uv python install {version}), or name one with "
            f"PYTHON=/path/to/python{version}"
        )
    if not _is_whole(environment):
        shutil.rmtree(environment.directory, ignore_errors=True)
        without_pip = [] if environment.python == PIP else ["--without-pip"]
        _run([sys.executable, "-m", "venv", *without_pip, str(environment.directory)], environment)


def _is_whole(environment: Environment) -> bool:
    """Whether the interpreter runs, and has pip if that is installed with; an interrupted creation leaves less."""
    code = "import pip" if environment.python == PIP else ""
    try:
        ended = subprocess.run(
            [str(environment.python), "-c", code], env=_VARIABLES, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def _install(environment: Environment) -> None:
    environment.stamp.unlink(missing_ok=True)
    # Everything is pinned with its dependencies, so there is nothing to resolve.
    into = ["--python", str(environment.python)]
    pinned = ["--no-deps", "--require-hashes", "--requirement", str(_pins(environment.requirements))]
    if not _installed_by_uv([*into, *pinned]):
        # Bytecode is compiled when a module is first imported, which most are not.
        quick = ["--no-input", "--no-compile", "--progress-bar=off"]
        _run([str(PIP), "-m", "pip", *into, "install", *quick, *pinned], environment)
    if environment.is_runtime:
        _run([str(environment.python), "-m", "compileall", "-q", str(environment.directory / "lib")], environment)
    names = (environment.requirements, *environment.includes)
    installed = {name: _digest(name) for name in names} | {"python": environment.base}
    environment.stamp.write_text(json.dumps(installed))


def _installed_by_uv(options: list[str]) -> bool:
    """Install with uv, where there is one: it is faster. Where it fails, pip tries, which knows pip's settings."""
    uv = shutil.which("uv")
    if uv is None:
        return False
    command = [uv, "pip", "install", "--quiet", *options]
    done = subprocess.run(command, cwd=ROOT, env=_VARIABLES, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False)
    return done.returncode == 0


def _run(command: list[str], environment: Environment) -> None:
    """Run a command; explain the failure if it fails."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=_VARIABLES, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise InstallationFailed(f"installing {environment.directory.name} did not end: run it again") from None
    if done.returncode:
        raise _explained(environment, done.stdout + done.stderr)


def _explained(environment: Environment, output: str) -> InstallationFailed:
    """Say what went wrong in an installation and what to do about it."""
    log = STATE_DIRECTORY / f"install-{environment.requirements}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(output)
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
    if "DO NOT MATCH THE HASHES" in output:
        problem = "a downloaded package is not the one pinned: try again, or check your package index"
    elif _UNREACHABLE.search(output):
        problem = "packages cannot be downloaded: check the network, proxy and index (pip config list) and run it again"
    else:
        reason = ([line for line in lines if "error" in line.lower()] or lines)[-1]
        problem = f"installing {environment.directory.name} failed: {reason}"
    return InstallationFailed(f"{problem}; details: {log.relative_to(ROOT)}")


def main() -> None:
    """Create the environments a group of commands needs."""
    parser = argparse.ArgumentParser(prog="python -m tools.environments", description=main.__doc__)
    parser.add_argument("group", choices=GROUPS, help="tools: run the stack; dev: test too; check, bench: that too")
    group = parser.parse_args().group
    try:
        ensure(group)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise InstallationFailed(
            f"{error.filename}: {error.strerror}: clone the project into a folder of yours"
        ) from None


if __name__ == "__main__":
    main()
