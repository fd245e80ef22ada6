"""The environment variables that a function's code reads, found in its source: nothing is imported or run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.testing.template import ROOT

# The code of the functions: ours, and the sandbox that plays other companies.
CODE = (ROOT / "src", ROOT / "sandbox")
SOURCE, _ = CODE

# The functions of storefront.shared.configuration whose argument is the name of an environment variable.
_INDIRECT = ("parameter", "secret")


@dataclass(frozen=True)
class Read:
    """An environment variable that is read, and what for: its `value`, or the `parameter` or `secret` it names."""

    variable: str
    purpose: str


@cache
def modules_of(handler: str) -> frozenset[str]:
    """Return the modules of this application that a handler (`package.module.function`) consists of."""
    found: set[str] = set()
    waiting = {handler.rpartition(".")[0]}
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= set(_imports(module)) - found
    return frozenset(found)


@cache
def reads_of(handler: str) -> frozenset[Read]:
    """Return what a handler reads from its environment."""
    return frozenset(read for module in modules_of(handler) for read in _reads(module))


def names_imported(handler: str) -> frozenset[str]:
    """Return what the modules of a handler import, as dotted names."""
    return frozenset(name for module in modules_of(handler) for name in _names(module))


def _imports(module: str) -> Iterator[str]:
    return (name for name in _names(module) if path_of(name))


def _names(module: str) -> Iterator[str]:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _reads(module: str) -> Iterator[Read]:
    for node in ast.walk(_tree(module)):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(variable))):
                yield Read(variable, "value")
            case ast.Call(
                func=ast.Attribute(attr="getenv") | ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"),
                args=[ast.Constant(value=str(variable)), *_],
            ):
                yield Read(variable, "value")
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(variable))]) if name in _INDIRECT:
                yield Read(variable, name)


@cache
def _tree(module: str) -> ast.Module:
    path = path_of(module)
    assert path, f"the module {module} does not exist"
    return ast.parse(path.read_text())


def path_of(module: str) -> Path | None:
    """Return the file of a module of this application, `None` for any other module."""
    bases = (root.joinpath(*module.split(".")) for root in CODE)
    candidates = (path for base in bases for path in (base.with_suffix(".py"), base / "__init__.py"))
    return next((path for path in candidates if path.is_file()), None)
