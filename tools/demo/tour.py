"""A tour of the shop on a running stack: each step sends a request and shows which part answered."""

import time
from contextlib import closing

from tools.console import folded, say, styled
from tools.demo.journeys import JOURNEYS
from tools.demo.visit import Visit
from tools.stack.stack import Stack


def run(stack: Stack) -> None:
    """Make every journey; a ``Problem`` ends the tour where something is not as it must be."""
    started = time.monotonic()
    with closing(Visit(stack, _show)) as visit:
        for journey in JOURNEYS:
            journey.walk(visit)
    seconds = time.monotonic() - started
    say(f"\n{styled('✓', 'green')} {visit.steps} steps in {seconds:.0f} s, all as they should be")


def _show(line: str) -> None:
    say(folded(line))
