"""The emulator's internals that the local stack replaces or calls are as they were when this was written."""

import json
import subprocess
from pathlib import Path

from tools.environments import EMULATOR
from tools.stack.stack import ROOT

INSIDE = ROOT / "tools" / "stack" / "inside"


def test_what_is_used_of_the_emulator_has_not_moved() -> None:
    command = [str(EMULATOR.python), "-P", str(INSIDE / "internals.py")]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path("/")).stdout)
    expected = json.loads((INSIDE / "internals.json").read_text())

    moved = [
        f"{name}: {expected.get(name, 'not in the table')} -> {found.get(name, 'used no more')}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]

    table = "tools/stack/inside/internals.py > internals.json, with the emulator's Python, writes the table anew"
    assert not moved, f"{moved}; see whether the code that uses them still does right; {table}"
