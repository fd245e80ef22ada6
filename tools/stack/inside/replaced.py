"""The one list of what is replaced in the emulator, whose version is pinned.

A test compares the signatures of all this package uses of the emulator with ``internals.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tools.stack.inside import guard, log_lines, loops, role_sessions

# Each internal of the emulator, and the function that makes the replacement from the original.
REPLACED: dict[str, Callable[[Any], Any]] = {
    "ministack.app:app": guard.guarded,
    "ministack.core.lambda_runtime:execution_credentials": role_sessions.unpredictable,
    "ministack.services.lambda_svc:execution_credentials": role_sessions.unpredictable,
    "ministack.core.lambda_runtime:_PYTHON_WORKER_SCRIPT": log_lines.with_end_marks,
    "ministack.core.lambda_runtime:Worker._drain_stderr_bounded": log_lines.until_end_mark,
    "ministack.services.cloudformation.engine:_resolve_parameters": loops.expanded_in_nested_stacks,
    "ministack.services.cloudformation.provisioners:_cfn_nested_stack_deploy": loops.noted,
}


def install() -> None:
    """Put every replacement into its place."""
    # Modules of the emulator import names from each other: all are loaded before the first name is replaced.
    places = {address: locate(address) for address in REPLACED}
    replacements = {address: REPLACED[address](getattr(*place)) for address, place in places.items()}
    for address, (owner, name) in places.items():
        setattr(owner, name, replacements[address])


def locate(address: str) -> tuple[Any, str]:
    """Return the module or class that holds an internal, and the internal's name in it.

    Raises
    ------
    AttributeError
        If the emulator has no such class.
    """
    module, _, path = address.partition(":")
    owner: Any = import_module(module)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    return owner, name
