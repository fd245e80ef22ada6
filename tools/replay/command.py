"""``storefront replay``: replays events, and shows in a table what has come back otherwise than it must."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tools.console import Misuse, Problem, Step, say, step, styled
from tools.replay.aws import OnAws
from tools.replay.cases import Case, chosen, load
from tools.replay.in_process import InProcess, Processes
from tools.replay.sam import SamLocal, ThroughSam
from tools.replay.target import Target, with_given
from tools.replay.world import World
from tools.sam_local import prepare as sam_local
from tools.stack.functions import deployed
from tools.stack.lifecycle import running_stack
from tools.stack.stack import StackOnAws

IN_PROCESS, SAM, AWS = TARGETS = ("in-process", "sam", "aws")


class Verdict(Enum):
    """What came of a case: in words, and their colour."""

    EXPECTED = ("as expected", "green")
    DIFFERENT = ("different", "red")
    LEFT_OUT = ("left out", "yellow")


@dataclass(frozen=True)
class Result:
    """A case and what came of it.

    Attributes
    ----------
    lines
        Its differences; of a case that was left out, the reason.
    logged
        What the functions have logged for it.
    """

    case: Case
    verdict: Verdict
    lines: tuple[str, ...] = ()
    logged: str = ""


@dataclass(frozen=True)
class Order:
    """What somebody wants to be replayed.

    Attributes
    ----------
    event
        A case, or a function; nothing for all.
    target
        Where.
    stack
        On AWS: the stack's name.
    charge
        On AWS: also what writes; in prod, at all.
    verbose
        Whether to show what the functions log.
    """

    event: str | None = None
    target: str = IN_PROCESS
    stack: str | None = None
    charge: bool = False
    verbose: bool = False


def run(order: Order, state: Path) -> bool:
    """Replay events and print the table; tell whether all is as expected.

    Raises
    ------
    Misuse
        There is no such event, or the options do not go together.
    """
    if (order.target == AWS) != bool(order.stack):
        raise Misuse("--target aws needs --stack, and no other target has one")
    cases = load()
    wanted = chosen(order.event, cases)
    state.mkdir(parents=True, exist_ok=True)
    log = state / "replay.log"
    log.write_bytes(b"")
    started = time.monotonic()
    what = f"replay {_counted(len(wanted))} {_where(order)}"
    with _target(order, state, cases, log) as target, step(what) as current:
        results = list(replayed(wanted, target, cases, log, current))
    show(results, order.verbose)
    different = sum(result.verdict is Verdict.DIFFERENT for result in results)
    counts = ", ".join(f"{sum(result.verdict is each for result in results)} {each.value[0]}" for each in Verdict)
    say(f"\n{_counted(len(results))}: {counts}, in {time.monotonic() - started:.0f} s")
    if different and not order.verbose:
        say(f"what the functions have logged: {log}")
    return not different


def replayed(
    wanted: Sequence[Case], target: Target, cases: Mapping[str, Case], log: Path, current: Step
) -> Iterator[Result]:
    """Replay cases one after the other."""
    reasons = {case.name: target.why_not(case) for case in wanted}
    possible = {case.name: case for case in wanted if reasons[case.name] is None}
    target.prepare(with_given(possible, cases))
    for number, case in enumerate(wanted, 1):
        current.progress(f"{number} of {len(wanted)}: {case.name}")
        if reason := reasons[case.name]:
            yield Result(case, Verdict.LEFT_OUT, (reason,))
            continue
        begin = log.stat().st_size
        lines = _differences(target, case)
        with log.open("rb") as file:
            file.seek(begin)
            logged = file.read().decode(errors="replace")
        yield Result(case, Verdict.DIFFERENT if lines else Verdict.EXPECTED, lines, logged)


def _differences(target: Target, case: Case) -> tuple[str, ...]:
    """Replay a case; one that gets no answer at all keeps none of the others from being replayed."""
    try:
        return tuple(target.replay(case))
    except Problem as problem:
        return (str(problem),)


def show(results: Sequence[Result], verbose: bool) -> None:
    """Print the table: each case with what came of it, and under it the differences."""
    width = max(len(result.case.name) for result in results)
    say(styled(f"{'case':<{width}}  result", "bold"))
    for result in results:
        words, colour = result.verdict.value
        say(f"{result.case.name:<{width}}  {styled(words, colour)}")
        for line in result.lines:
            say(f"  {line.removeprefix(f'{result.case.name}: ')}")
        if verbose and result.logged:
            say(styled(result.logged.rstrip(), "dim"))


@contextmanager
def _target(order: Order, state: Path, cases: Mapping[str, Case], log: Path) -> Iterator[Target]:
    if order.target == AWS:
        name = order.stack or ""
        yield OnAws(StackOnAws.named(name), name, cases, log, order.charge)
        return
    stack = running_stack(state)
    functions = deployed(stack)
    world = World(stack, functions, cases)
    with world.prepared(state), Processes(stack, functions, log) as processes:
        if order.target == SAM:
            sam = SamLocal(stack, functions, sam_local.prepare(stack, state), log)
            yield ThroughSam(world, processes, cases, sam)
        else:
            yield InProcess(world, processes, cases)


def _where(order: Order) -> str:
    return f"on {order.stack}" if order.stack else {IN_PROCESS: "in-process", SAM: "through sam local"}[order.target]


def _counted(cases: int) -> str:
    return f"{cases} case{'s' if cases > 1 else ''}"
