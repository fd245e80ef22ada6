"""`storefront up --watch`: deploys each change of what is deployed, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Set
from pathlib import Path

from tools.console import Problem, say, styled
from tools.stack import code_update, lifecycle
from tools.stack.emulator import Emulator
from tools.stack.stack import ROOT

_POLL_SECONDS = 0.3

Files = dict[Path, tuple[int, int]]  # when a file was changed, and its size


def watch(state: Path) -> None:
    """Deploy what changes; a change that cannot be deployed is told, and the next one awaited.

    Raises
    ------
    Problem
        The stack has gone.
    """
    say(f"\nwatching {', '.join(code_update.FOLDERS)} and the templates; Ctrl-C ends this, and the stack stays up")
    seen = _files()
    try:
        while True:
            found = _changed(seen)
            changed, seen = found.items() ^ seen.items(), found
            _deploy({path for path, _ in changed}, state)
    except KeyboardInterrupt:
        say("\nnot watching any more; the stack is up")


def _files() -> Files:
    """Return what is deployed, as it is now; bytecode comes and goes by itself."""
    paths = [path for folder in code_update.FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix != ".pyc"]
    found = {}
    for path in (*paths, *code_update.FILES):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # an editor has just replaced it
        if not path.is_dir():
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _changed(seen: Files) -> Files:
    """Wait until something has changed and nothing changes any more, and return all files."""
    before = seen
    while True:
        time.sleep(_POLL_SECONDS)
        found = _files()
        if found == before != seen:
            return found
        before = found


def _deploy(changed: Set[Path], state: Path) -> None:
    if not Emulator(state).is_running():
        raise Problem("the stack has gone: make up brings it back")
    clock = styled(time.strftime("%H:%M:%S"), "dim")
    names = sorted(str(path.relative_to(ROOT)) for path in changed)
    what = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    started = time.monotonic()
    try:
        functions = lifecycle.update_code(state)
        if functions is None:
            say(f"{clock} {what}: this needs sam deploy")
            lifecycle.bring_up(state=state)
            done = "deployed"
        else:
            done = f"{functions} functions updated" if functions else "nothing to deploy"
    except Problem as problem:
        say(f"{clock} {what}: {styled('not deployed', 'red')}: {problem}")
    else:
        say(f"{clock} {what}: {done} ({time.monotonic() - started:.1f} s)")
