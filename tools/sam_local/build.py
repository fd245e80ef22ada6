"""Builds the functions for a processor, apart from what is built for AWS."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import environments
from tools.console import Problem, step
from tools.stack import apart
from tools.stack.stack import DEPLOYED_FILES, ROOT

RUNTIME = ".".join(map(str, environments.RUNTIME))
_SECONDS = 300
_SOURCES = ("src", "sandbox", *DEPLOYED_FILES)
# As `make build`: the Python of .venv comes first, if it is the one that is needed.
_PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


def require_python() -> None:
    """Raise a ``Problem`` unless Lambda's Python is there to build with."""
    name = f"python{RUNTIME}"
    found = shutil.which(name, path=_PATH)
    # A version manager may have put a command there that only says that this version is not chosen.
    if found is None or subprocess.run([found, "-c", "import pip"], capture_output=True, check=False).returncode:
        raise Problem(f"no {name} with pip on the path, which sam build needs: install Python {RUNTIME}")


def build(built: Path, processor: str) -> None:
    """Build the functions, unless they are built from the same files; the log is beside the build."""
    stamp, sources = built.with_name("built-from"), _digest(processor)
    if stamp.is_file() and stamp.read_text() == sources:
        return
    stamp.unlink(missing_ok=True)
    log = built.with_name("build.log")
    command = [
        *(sys.executable, "-m", "samcli", "build", "--template-file", str(ROOT / "template.yaml")),
        *("--build-dir", str(built), "--language-extensions"),
        *("--parameter-overrides", f"Architecture={processor}"),
    ]
    environment = apart.variables() | {"PATH": _PATH}
    with step(f"sam build, for {processor}"), log.open("w") as output:
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, timeout=_SECONDS, check=False
        )
        if ended.returncode:
            last = log.read_text().strip().rpartition("\n")[2]
            raise Problem(f"sam build failed: {last}; details: {log}")
    stamp.write_text(sources)


def _digest(processor: str) -> str:
    digest = hashlib.sha256(processor.encode())
    for source in _SOURCES:
        for file in sorted([ROOT / source, *(ROOT / source).rglob("*")]):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
