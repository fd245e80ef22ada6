"""The shop that functions are measured on: a local stack of the benchmarks' own, on which nothing else happens."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.bench import packages
from tools.bench.gateway import gateway
from tools.bench.process import Runnable, Workers
from tools.console import Problem, step
from tools.environments import BENCH
from tools.replay.cases import Case, Json, filled_in, load
from tools.replay.world import World
from tools.stack import lifecycle
from tools.stack.emulator import Emulator
from tools.stack.functions import deployed, process_environment
from tools.stack.stack import STATE_DIRECTORY, Stack

# They report to CodeDeploy, which the local stack does not have.
HOOKS = ("pre-traffic-hook", "post-traffic-hook")
# The sample events that functions answer well, where no case is called good, or another one has more to do.
_CASES = {
    "deliver-order-status": "open-chat",
    "payments-sandbox": "approved",
    "publish-order-events": "confirmed",
    "reconcile-orders": "scheduled",
    "refuse-frame": "unknown-action",
}
_ERROR_STATUS = 400


@dataclass(frozen=True)
class Target:
    """The functions that are measured (none for all), their package if it is built, and where their stack is."""

    state: Path = STATE_DIRECTORY / "bench"
    package: Path | None = None
    functions: Sequence[str] = ()

    def packages(self) -> dict[str, Path]:
        """Return what the functions ship, by their logical ids."""
        return packages.shipped(self.state.resolve(), self.package)


DEFAULT = Target()


@dataclass(frozen=True)
class Shop:
    """Functions that can be run, by their names, and what they can be run with; the directory is a temporary one."""

    functions: Mapping[str, Runnable]
    workers: Workers
    directory: Path
    world: World
    cases: Mapping[str, Case]

    def event_for(self, name: str) -> Json:
        """Return an event of one record that a function answers well, in a world where only what it builds on was."""
        self.world.tidy()
        values = self.world.values()
        *before, case = self.cases[f"{name}/{_CASES.get(name, 'good')}"].chain
        for each in before:
            answer = self.workers[each.function](filled_in(each.event, values)).answer
            check_went_well(each.function, answer)
        event = filled_in(case.event, values)
        return event | {"Records": event["Records"][:1]} if "Records" in event else event


@contextmanager
def opened(target: Target) -> Iterator[Shop]:
    """Bring up a stack, build the functions, and yield the shop; what was not up before is ended."""
    if not BENCH.python.exists():
        raise Problem(f"{BENCH.directory.name} is not there, which stands for Lambda's runtime: make bench installs it")
    was_up = Emulator(target.state).is_running()
    try:
        stack = lifecycle.ensure_up(target.state)
        with step("make the shop quiet"):
            _consume_nothing(stack)
        built = target.packages()
        with gateway(0) as connections, tempfile.TemporaryDirectory() as directory:
            functions, cases = _runnable(stack, built, connections), load()
            world = World(stack, {name: each.function for name, each in functions.items()}, cases)
            with Workers(functions, Path(directory)) as processes, world.prepared(target.state):
                yield Shop(_chosen(functions, target.functions), processes, Path(directory), world, cases)
    finally:
        if not was_up:
            lifecycle.take_down(target.state)


def check_went_well(name: str, answer: Json) -> None:
    """Look that a function has done what it is measured for; one that has refused is a ``Problem``."""
    match answer:
        case {"statusCode": int(status)} if status >= _ERROR_STATUS:
            pass
        case {"batchItemFailures": [_, *_]} | {"policyDocument": {"Statement": [{"Effect": "Deny"}]}}:
            pass
        case {"failed": int(failed)} if failed:
            pass
        case _:
            return
    raise Problem(f"{name} refuses its event, so it cannot be measured: {json.dumps(answer)[:300]}")


def _consume_nothing(stack: Stack) -> None:
    """End what goes on by itself: nobody takes the orders of a measured function from the queue beside it."""
    functions = stack.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _runnable(stack: Stack, built: Mapping[str, Path], connections: str) -> dict[str, Runnable]:
    """Return how each function runs: as deployed, but a server takes its posts, whose connections nobody opened."""
    functions = {}
    for name, function in deployed(stack).items():
        environment = process_environment(function, stack)
        if "CONNECTIONS_URL" in environment:
            environment["CONNECTIONS_URL"] = connections
        functions[name] = Runnable(function, built[function.logical_id], environment)
    return functions


def _chosen(functions: dict[str, Runnable], names: Sequence[str]) -> dict[str, Runnable]:
    unknown = sorted(set(names) - functions.keys())
    if unknown:
        raise Problem(f"no function is called {unknown[0]}: name one of {', '.join(sorted(functions))}")
    return {name: each for name, each in sorted(functions.items()) if not names or name in names}
