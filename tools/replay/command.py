"""``storefront replay``: replays events, and shows a table of what came of them, with the differences."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from storefront.shared.text import printable
from tools.console import Misuse, Problem, Step, say, step, styled
from tools.replay.cases import Case, chosen, load
from tools.replay.in_process import Processes, in_process
from tools.replay.sam import OnAws, SamLocal, through_sam
from tools.replay.target import Target
from tools.replay.world import World
from tools.sam_local import prepare as sam_local
from tools.stack.functions import deployed
from tools.stack.lifecycle import running_stack
from tools.stack.stack import StackOnAws


class Verdict(Enum):
    """The outcome of a case: in words, and their colour."""

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


def run(
    event: str | None,
    state: Path,
    *,
    target: str = "in-process",
    stack: str | None = None,
    may_charge: bool = False,
    verbose: bool = False,
) -> bool:
    """Replay a case, all of a function, or all there are; print the table, and tell whether all is as expected.

    On AWS, ``stack`` is the stack's name, and ``may_charge`` has the cases replayed that write, too; in prod, those
    that only read. ``verbose`` shows what the functions log.
    """
    if (target == "aws") != bool(stack):
        raise Misuse("--target aws needs --stack, and no other target has one")
    cases = load()
    wanted = chosen(event, cases)
    state.mkdir(parents=True, exist_ok=True)
    log = state / "replay.log"
    log.write_bytes(b"")
    started = time.monotonic()
    place = {"in-process": target, "sam": "through sam local", "aws": f"on {stack}"}[target]
    opened = _on_aws(stack, log, may_charge) if stack else _locally(target, cases, wanted, state, log)
    with opened as there, step(f"replay {_counted(len(wanted))} {place}") as current:
        results = list(replayed(wanted, there, log, current))
    show(results, verbose)
    count = Counter(result.verdict for result in results)
    counts = ", ".join(f"{count[verdict]} {verdict.value[0]}" for verdict in Verdict)
    say(f"\n{_counted(len(results))}: {counts}, in {time.monotonic() - started:.0f} s")
    if count[Verdict.DIFFERENT] and not verbose:
        say(f"what the functions have logged: {log}")
    return not count[Verdict.DIFFERENT]


def _on_aws(stack: str, log: Path, may_charge: bool) -> AbstractContextManager[Target]:
    target = OnAws(StackOnAws.named(stack), log, may_charge)
    return nullcontext(Target(target.why_not, target.replay))


@contextmanager
def _locally(
    target: str, cases: Mapping[str, Case], wanted: Sequence[Case], state: Path, log: Path
) -> Iterator[Target]:
    stack = running_stack(state)
    functions = deployed(stack)
    world = World(stack, functions, cases)
    with world.prepared(state), Processes(stack, functions, log) as processes:
        if target == "sam":
            sam = SamLocal(stack, functions, sam_local.prepare(stack, state), log)
            yield through_sam(world, processes, sam.invoke)
        else:
            processes.start(each.function for case in wanted for each in case.chain)
            yield in_process(world, processes)


def replayed(wanted: Sequence[Case], target: Target, log: Path, current: Step) -> Iterator[Result]:
    """Replay cases one after the other."""
    for number, case in enumerate(wanted, 1):
        current.progress(f"{number} of {len(wanted)}: {case.name}")
        if reason := target.why_not(case):
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
        if verbose:
            for line in result.logged.rstrip().splitlines():
                say(styled(printable(line), "dim"))


def _counted(cases: int) -> str:
    return f"{cases} case{'s' if cases > 1 else ''}"
