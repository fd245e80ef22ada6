"""A tour of the shop on a running stack: each step sends a request and shows which part answered."""

import time
from contextlib import closing

from tools.console import say, styled
from tools.demo.journeys import JOURNEYS
from tools.demo.visit import Visit
from tools.stack.stack import Stack


class Tour:
    """All journeys on one stack, shown request by request."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def run(self) -> None:
        """Make every journey; a ``Problem`` ends it where something is not as it must be."""
        started = time.monotonic()
        with closing(Visit(self._stack, say)) as visit:
            for journey in JOURNEYS:
                journey.walk(visit)
        seconds = time.monotonic() - started
        say(f"\n{styled('✓', 'green')} {visit.steps} steps in {seconds:.0f} s, all as they should be")
