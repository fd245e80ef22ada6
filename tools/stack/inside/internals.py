"""Prints the signature of each internal of the emulator that is used, for the test that holds them."""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

STACK = Path(__file__).resolve().parents[1]
PACKAGES = (STACK / "inside", STACK / "gateway", STACK / "cloudwatch_logs")  # all that runs in the emulator's process
_ADDRESS = re.compile(r"<object object at 0x\w+>")
_EMULATOR = "ministack"


def used() -> dict[str, str]:
    """Return the signature, or the type, of all names that are taken from the emulator."""
    from tools.stack.inside.replaced import REPLACED  # noqa: PLC0415 - needs the path that is set below

    addresses = {address for address in REPLACED if "/" not in address and address.startswith(_EMULATOR)}
    addresses |= {address for package in PACKAGES for file in package.rglob("*.py") for address in _addresses(file)}
    return {address: _signature(address) for address in sorted(addresses)}


def _addresses(file: Path) -> set[str]:
    """Return the ``module:name`` of everything of the emulator that a file names."""
    tree = ast.parse(file.read_text())
    modules: dict[str, str] = {}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_EMULATOR):
            for name in node.names:
                path = f"{node.module}.{name.name}"
                if _is_module(path):
                    modules[name.asname or name.name] = path
                else:
                    found.add(f"{node.module}:{name.name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add(f"{modules[node.value.id]}:{node.attr}")
    return found


def _is_module(path: str) -> bool:
    try:
        import_module(path)
    except ImportError:
        return False
    return True


def _signature(address: str) -> str:
    module, _, path = address.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    if found is None:
        return "gone"
    if inspect.isclass(found):
        return f"class{_of(found)}"
    return _of(found) if callable(found) else type(found).__name__


def _of(found: Any) -> str:
    parameters = inspect.signature(found).parameters.values()
    text = ", ".join(str(each.replace(annotation=inspect.Parameter.empty)) for each in parameters)
    return f"({_ADDRESS.sub('<object>', text)})"


if __name__ == "__main__":
    sys.path.append(str(STACK.parents[1]))
    json.dump(used(), sys.stdout, indent=1)
    print()
