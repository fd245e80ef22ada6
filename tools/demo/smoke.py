"""Tries a stack out, on this machine or on AWS: the demo's journeys, as far as the stack and the credentials allow."""

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from enum import Enum

from botocore.exceptions import ClientError

from storefront.shared.text import printable
from tools.console import Problem, say, styled
from tools.demo.journeys import JOURNEYS, Journey, Need
from tools.demo.preparation import denial, prepared
from tools.demo.visit import Visit
from tools.stack.stack import Stack

PROD = "prod"


class Outcome(Enum):
    """The outcome of a journey; the value is its mark, and the mark's colour."""

    PASSED = ("✓", "green")
    SKIPPED = ("-", "yellow")
    FAILED = ("✗", "red")


@dataclass(frozen=True)
class Result:
    """A journey, what came of it, and why if it did not pass."""

    journey: Journey
    outcome: Outcome
    reason: str = ""
    seconds: float = 0


def environment_of(stack: Stack) -> str:
    """Return which environment a stack is: the API's stage is called after it."""
    return stack.url.rpartition("/")[2]


def run(stack: Stack, may_charge: bool = False) -> list[Result]:
    """Make every journey that can be made, print a line for each, and return a result for each.

    In prod nothing is ordered or edited unless ``may_charge``.
    """
    started = time.monotonic()
    is_prod = environment_of(stack) == PROD
    results: dict[str, Result] = {}
    lines: list[str] = []
    with prepared(stack, is_prod) as (ready, missing), closing(Visit(ready, lines.append)) as visit:
        if is_prod and not may_charge:
            missing[Need.SALES] = missing[Need.EDITS] = "this is prod; --yes orders and edits all the same"
        for journey in JOURNEYS:
            lines.clear()
            results[journey.name] = result = _skipped(journey, missing, results) or _made(journey, visit)
            _report(result)
            if result.outcome is Outcome.FAILED and lines:
                say("\n".join(lines))
    count = Counter(result.outcome for result in results.values())
    counts = ", ".join(f"{count[outcome]} {outcome.name.lower()}" for outcome in Outcome)
    say(f"{len(results)} journeys: {counts}, in {time.monotonic() - started:.0f} s")
    return list(results.values())


def _skipped(journey: Journey, missing: dict[Need, str], results: dict[str, Result]) -> Result | None:
    """Return the result of a journey that is not begun, if something is in its way."""
    for need in Need:
        if need in journey.needs and need in missing:
            return Result(journey, Outcome.SKIPPED, f"no {need.value}: {missing[need]}")
    earlier = results.get(journey.after)
    if earlier and earlier.outcome is not Outcome.PASSED:
        return Result(journey, earlier.outcome, f"it goes on from '{journey.after}'")
    return None


def _made(journey: Journey, visit: Visit) -> Result:
    started = time.monotonic()
    outcome, reason = Outcome.FAILED, ""
    try:
        journey.walk(visit)
        outcome = Outcome.PASSED
    except ClientError as error:
        # A journey calls AWS itself only as an operator would; the shop's own refusals are HTTP answers.
        if denied := denial(error):
            outcome = Outcome.SKIPPED
        reason = denied or str(error)
    except Problem as problem:
        reason = str(problem)
    except Exception as error:  # one broken journey must not keep the others from being made
        reason = f"{type(error).__name__}: {error}"
    return Result(journey, outcome, reason, time.monotonic() - started)


def _report(result: Result) -> None:
    mark, colour = result.outcome.value
    took = styled(f"({result.seconds:.1f} s)", "dim") if result.seconds else ""
    why = f"{result.outcome.name.lower()}: {printable(result.reason)}" if result.reason else ""
    say(" ".join(filter(None, (styled(mark, colour), result.journey.name, took, why))))
