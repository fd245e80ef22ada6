"""A check that keeps somebody out, the attack that it refuses, and the mutation that deletes it."""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Defence:
    """One row of the table of defences.

    Attributes
    ----------
    check
        What is checked, in words.
    module
        Where.
    code, mutation
        The code that checks it, and the same without the check.
    attack
        What only this check refuses: a function of the module that returns where the attack gets through, and raises
        `refusal` where it does not.
    refusal
        What the refused attacker causes.
    """

    check: str
    module: str
    code: str
    mutation: str
    attack: Callable[[ModuleType], object]
    refusal: type[Exception]


def original(defence: Defence) -> ModuleType:
    """Return the module as it is."""
    return importlib.import_module(defence.module)


def mutated(defence: Defence) -> ModuleType:
    """Return the module without the check."""
    path = Path(str(original(defence).__file__))
    source = path.read_text()
    assert source.count(defence.code) == 1, f"not once in {defence.module}: {defence.code}"
    module = ModuleType(f"{defence.module}.mutated")
    module.__file__ = str(path)
    # Data classes look their module up.
    sys.modules[module.__name__] = module
    exec(compile(source.replace(defence.code, defence.mutation), str(path), "exec"), module.__dict__)  # noqa: S102
    return module
