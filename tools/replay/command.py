"""``storefront replay``: replays events, and shows a table of what came of them, with the differences."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from storefront.shared.text import printable
from tools.console import Misuse, Problem, Step, say, step, styled
from tools.replay.aws import OnAws
from tools.replay.cases import Case, chosen, load
from tools.replay.in_process import InProcess, Processes
from tools.replay.sam import SamLocal, ThroughSam
from tools.replay.target import Target
from tools.replay.world import World
from tools.sam_local import prepare as sam_local
from tools.stack.functions import deployed
from tools.stack.lifecycle import running_stack
from tools.stack.stack import StackOnAws

IN_PROCESS, SAM, AWS = TARGETS = ("in-process", "sam", "aws")


@dataclass(frozen=True)
class Request:
    """What somebody wants to be replayed: a case or a function (``event``), or all, at a target.

    On AWS, ``stack`` is the stack's name, and ``charge`` has the cases replayed that write, too; in prod, those that
    only read. ``verbose`` shows what the functions log.
    """

    event: str | None = None
    target: str = IN_PROCESS
    stack: str | None = None
    charge: bool = False
    verbose: bool = False


class Verdict(Enum):
    """What came of a case: in words, and their colour."""

    EXPECTED = ("as expected", "green")
    DIFFERENT = ("different", "red")
    LEFT_OUT = ("left out", "yellow")


@dataclass(frozen=True)
class Result:
    """A case and what came of it: ``lines`` has its differences, or the reason why it was left out."""

    case: Case
    verdict: Verdict
    lines: tuple[str, ...] = ()
    logged: str = ""


def run(request: Request, state: Path) -> bool:
    """Replay events and print the table; tell whether all is as expected.

    Raises
    ------
    Misuse
        There is no such event, or the options do not go together.
    """
    if (request.target == AWS) != bool(request.stack):
        raise Misuse("--target aws needs --stack, and no other target has one")
    cases = load()
    wanted = chosen(request.event, cases)
    state.mkdir(parents=True, exist_ok=True)
    log = state / "replay.log"
    log.write_bytes(b"")
    started = time.monotonic()
    where = {IN_PROCESS: "in-process", SAM: "through sam local", AWS: f"on {request.stack}"}[request.target]
    with _target(request, state, cases, log) as target, step(f"replay {_counted(len(wanted))} {where}") as current:
        results = list(replayed(wanted, target, log, current))
    show(results, request.verbose)
    different = sum(result.verdict is Verdict.DIFFERENT for result in results)
    counts = ", ".join(f"{sum(result.verdict is each for result in results)} {each.value[0]}" for each in Verdict)
    say(f"\n{_counted(len(results))}: {counts}, in {time.monotonic() - started:.0f} s")
    if different and not request.verbose:
        say(f"what the functions have logged: {log}")
    return not different


def replayed(wanted: Sequence[Case], target: Target, log: Path, current: Step) -> Iterator[Result]:
    """Replay cases one after the other."""
    reasons = {case.name: target.why_not(case) for case in wanted}
    target.prepare([case for case in wanted if reasons[case.name] is None])
    for number, case in enumerate(wanted, 1):
        current.progress(f"{number} of {len(wanted)}: {case.name}")
        if reason := reasons[case.name]:
            yield Result(case, Verdict.LEFT_OUT, (reason,))
            continue
        logged_before = log.stat().st_size
        try:
            lines = tuple(target.replay(case))
        except Problem as problem:
            # A case without any answer keeps none of the others from being replayed.
            lines = (str(problem),)
        logged = log.read_bytes()[logged_before:].decode(errors="replace")
        yield Result(case, Verdict.DIFFERENT if lines else Verdict.EXPECTED, lines, logged)


def show(results: Sequence[Result], verbose: bool) -> None:
    """Print the table: each case with what came of it, and under it the differences."""
    width = max(len(result.case.name) for result in results)
    say(styled(f"{'case':<{width}}  result", "bold"))
    for result in results:
        words, colour = result.verdict.value
        say(f"{result.case.name:<{width}}  {styled(words, colour)}")
        for line in result.lines:
            say(f"  {printable(line.removeprefix(f'{result.case.name}: '))}")
        if verbose and result.logged:
            for line in result.logged.rstrip().splitlines():
                say(styled(printable(line), "dim"))


@contextmanager
def _target(request: Request, state: Path, cases: Mapping[str, Case], log: Path) -> Iterator[Target]:
    if request.stack:
        yield OnAws(StackOnAws.named(request.stack), request.stack, log, request.charge)
        return
    stack = running_stack(state)
    functions = deployed(stack)
    world = World(stack, functions, cases)
    with world.prepared(state), Processes(stack, functions, log) as processes:
        if request.target == SAM:
            sam = SamLocal(stack, functions, sam_local.prepare(stack, state), log)
            yield ThroughSam(world, processes, sam.invoke)
        else:
            yield InProcess(world, processes)


def _counted(cases: int) -> str:
    return f"{cases} case{'s' if cases > 1 else ''}"
