"""Gives a copy of the project another name: files, folders, stacks, the package and the command."""

from __future__ import annotations

import hashlib
import json
import keyword
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tools.console import Misuse, Problem
from tools.environments import COMMAND, ROOT, STATE_DIRECTORY
from tools.stack.emulator import Emulator

NAME = "storefront"
# Names of stacks, functions and roles have room for as many letters as the first name has.
_GOOD = re.compile(r"[a-z][a-z0-9]{2,9}")
# SSM takes no parameter that begins with one of these ("PutParameter", AWS Systems Manager API Reference).
_RESERVED = ("aws", "ssm")
# Whose code it was stays true.
_KEPT = {"LICENSE"}


def rename(name: str, *, over_changes: bool = False) -> int:
    """Rename the project in all files that Git knows, and return how many changed.

    Raises
    ------
    Misuse
        The name is not one for a Python package and a stack.
    Problem
        The checkout has changes, unless ``over_changes``; or the local stack is up, under the old name.
    """
    _require_good(name)
    changed = sum(_replaced(path, name) for path in clean_files(over_changes=over_changes) if path.name not in _KEPT)
    _git("mv", f"src/{NAME}", f"src/{name}")
    # `make` writes the command under its new name.
    COMMAND.unlink(missing_ok=True)
    return changed


def clean_files(*, over_changes: bool) -> list[Path]:
    """Return the files that Git knows, of a checkout that a command may change everywhere."""
    if Emulator(STATE_DIRECTORY).is_running():
        raise Problem("the local stack is up with what will change: end it with make down")
    if _git("status", "--porcelain") and not over_changes:
        raise Problem("the checkout has changes: commit them first, or add --yes to go over them")
    paths = [ROOT / path for path in _git("ls-files", "-z").split("\0") if path]
    return [path for path in paths if path.is_file()]


def _require_good(name: str) -> None:
    if not _GOOD.fullmatch(name) or name.startswith(_RESERVED):
        raise Misuse(f"{name}: a name has 3 to 10 lower-case letters and digits, a letter first, not aws or ssm")
    if keyword.iskeyword(name) or name in sys.stdlib_module_names or find_spec(name):
        raise Misuse(f"{name}: Python already has a module or a word of this name")


def _git(*words: str) -> str:
    ended = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if ended.returncode:
        raise Problem(f"the files to rename are those that Git knows: {ended.stderr.strip()}")
    return ended.stdout


def _replaced(path: Path, name: str) -> bool:
    """Replace the name in a file, in each of its spellings."""
    try:
        old = path.read_text()
    except UnicodeDecodeError:
        return False
    new = old.replace(NAME, name).replace(NAME.capitalize(), name.capitalize()).replace(NAME.upper(), name.upper())
    if new == old:
        return False
    for before, after in zip(_bodies(path, old), _bodies(path, new), strict=True):
        new = new.replace(_digest(before), _digest(after))
    path.write_text(new)
    return True


def _bodies(path: Path, text: str) -> list[str]:
    """Return the bodies of a sample event's messages, whose digests stand beside them."""
    records = json.loads(text).get("Records", []) if path.match("events/*/*.json") else []
    return [record["body"] for record in records if "md5OfBody" in record]


def _digest(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
