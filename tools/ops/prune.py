"""Deletes old versions of a stack's functions: SAM has CloudFormation keep each, and they fill the code storage.

The storage is one for all functions of an account and region ("Lambda quotas", AWS Lambda Developer Guide). Once it is
full, nothing can be deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.console import Problem, say
from tools.stack.stack import Stack

# Besides those that an alias points to: to put an alias back by hand.
KEPT = 3
FULL = 0.8
_GIGABYTE = 1024**3
_UNPUBLISHED = "$LATEST"


@dataclass(frozen=True)
class Version:
    """A published version of a function, and how many bytes of code storage it takes."""

    function: str
    number: int
    size: int


def old_versions(functions: Any, name: str) -> list[Version]:
    """Return the versions of a function that nothing needs, the oldest first.

    An alias needs those that it points to (while a release shifts traffic, they are two), and people the last ones.
    """
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    found = [row for page in pages for row in page["Versions"] if row["Version"] != _UNPUBLISHED]
    published = sorted((Version(name, int(row["Version"]), row["CodeSize"]) for row in found), key=_number)
    needed = _in_use(functions, name)
    return [version for version in published[:-KEPT] if str(version.number) not in needed]


def run(stack: Stack, go: bool) -> None:
    """Show the old versions of a stack's functions, and with ``go`` delete them; then say how full the storage is.

    Raises
    ------
    Problem
        The code storage is nearly full all the same.
    """
    functions = stack.client("lambda")
    names = sorted(stack.resources("AWS::Lambda::Function").values())
    old = [version for name in names for version in old_versions(functions, name)]
    for version in old if go else ():
        # Without the qualifier this would be the whole function.
        functions.delete_function(FunctionName=version.function, Qualifier=str(version.number))
    amount = f"{len(old)} old versions of {len(names)} functions, {_gigabytes(sum(one.size for one in old))}"
    say(f"deleted {amount}" if go else f"{amount}; dry run, nothing was deleted: storefront prune --yes deletes them")
    _report_storage(functions.get_account_settings())


def _in_use(functions: Any, name: str) -> set[str]:
    """Return the versions to which a function's aliases send calls."""
    pages = functions.get_paginator("list_aliases").paginate(FunctionName=name)
    aliases = [alias for page in pages for alias in page["Aliases"]]
    weighted = [alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) for alias in aliases]
    return {alias["FunctionVersion"] for alias in aliases}.union(*weighted)


def _report_storage(settings: dict[str, Any]) -> None:
    used, limit = settings["AccountUsage"]["TotalCodeSize"], settings["AccountLimit"]["TotalCodeSize"]
    say(f"the account's code storage has {_gigabytes(used)} of {_gigabytes(limit)}")
    if used > FULL * limit:
        raise Problem(f"code storage is {used / limit:.0%} full: docs/operations.md#code-storage says what to do")


def _number(version: Version) -> int:
    return version.number


def _gigabytes(size: int) -> str:
    return f"{size / _GIGABYTE:.2f} GB"
