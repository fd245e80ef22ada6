"""One drill, from the alarm until everything is mended."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tools.console import Problem, say, step, styled
from tools.drill import runbook
from tools.drill.incident import FUNCTION, Incident
from tools.stack.stack import STATE_DIRECTORY, Stack

ENTRIES = ["Put an alias back", "Dead letters"]
_POLL_SECONDS = 1.0
_SOLVED_SECONDS = 60


def run(stack: Stack, state: Path = STATE_DIRECTORY, *, solve: bool) -> None:
    """Make an incident and wait until somebody, or with ``solve`` the runbook's own lines, has mended it.

    An interruption mends it.

    Raises
    ------
    Problem
        The incident cannot be made, or the runbook's lines do not mend it.
    """
    solve = solve or not sys.stdin.isatty()
    if solve:
        runbook.require_programs()
    incident = Incident.begin(stack)
    started = time.monotonic()
    try:
        _tell(incident)
        if solve:
            runbook.run(ENTRIES, stack, incident.order_id, state)
        else:
            _instruct(incident)
        _wait_until_mended(incident, _SOLVED_SECONDS if solve else None)
    except BaseException:
        say("\nthe drill puts everything right itself:")
        incident.mend()
        raise
    incident.end()
    say(f"{styled('mended', 'green')} {time.monotonic() - started:.0f} s after the alarm")


def _tell(incident: Incident) -> None:
    say(f"\n{styled('ALARM', 'red')} {incident.alarm.name}")
    say(f"  {incident.alarm.description}")
    say(f"A release of {FUNCTION} was a moment ago. A customer asks about the order {incident.order_id}.\n")


def _instruct(incident: Incident) -> None:
    say("The entry of the runbook is named behind the alarm. In another terminal, paste its set-up for this stack:\n")
    say(f'. .venv/bin/activate; eval "$(storefront env)"\n{runbook.set_up(incident.stack, incident.order_id)}')
    say(f"Then mend what was released, and what it left behind. Hints: {' and '.join(map(repr, ENTRIES))}.")
    say("Ctrl-C gives up and puts everything right.")


def _wait_until_mended(incident: Incident, seconds: float | None) -> None:
    deadline = None if seconds is None else time.monotonic() + seconds
    with step("wait until it is mended") as current:
        while missing := incident.missing():
            if deadline is not None and time.monotonic() > deadline:
                raise Problem(f"the runbook's lines have not mended it: {', '.join(missing)}")
            current.progress(", ".join(missing))
            time.sleep(_POLL_SECONDS)
