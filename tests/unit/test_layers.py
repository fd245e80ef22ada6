"""Deployed code and tools stay apart, and imports point inwards: nothing outside tests/ imports a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.testing.template import ROOT

CODE = sorted(path for folder in ("src", "sandbox", "tools") for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Yield what a file imports, wherever in it, and the modules whose names it hands to `import_module`."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outside_tests_imports_from_tests(path: Path) -> None:
    assert [module for module in imported(path) if module.partition(".")[0] == "tests"] == []
