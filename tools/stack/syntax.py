"""Finds code that no Python reads, before it is deployed."""

from __future__ import annotations

import warnings

from tools.console import Problem
from tools.environments import ROOT


def check(*folders: str) -> None:
    """Raise `Problem`, with file and line, if a module in one of the folders is not Python."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = path.relative_to(ROOT)
            try:
                with warnings.catch_warnings(action="ignore"):
                    compile(path.read_bytes(), where, "exec", dont_inherit=True)
            except SyntaxError as error:
                raise Problem(f"{where}, line {error.lineno}: {error.msg}") from None
            except ValueError as error:
                raise Problem(f"{where}: {error}") from None
