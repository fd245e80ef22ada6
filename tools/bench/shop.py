"""The shop that functions are measured on: a local stack of the benchmarks' own, on which nothing else happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.bench import packages
from tools.bench.gateway import gateway
from tools.bench.good_events import GoodEvents
from tools.bench.process import Runnable
from tools.bench.workers import Workers, workers
from tools.console import Problem, step
from tools.environments import BENCH
from tools.replay.cases import load
from tools.replay.world import World
from tools.stack import lifecycle
from tools.stack.emulator import Emulator
from tools.stack.functions import deployed, process_environment
from tools.stack.stack import STATE_DIRECTORY, Stack

# More than all benchmarks together order.
_STOCK = 1_000_000


@dataclass(frozen=True)
class Target:
    """What is measured: which functions (none for all), of a package that was built before or of one that is built now.

    The benchmark's own stack is kept in ``state``.
    """

    state: Path = STATE_DIRECTORY / "bench"
    package: Path | None = None
    functions: Sequence[str] = ()

    def packages(self) -> dict[str, Path]:
        """Return what the functions ship, by their logical ids."""
        with step("packages"):
            return packages.shipped(self.state.resolve(), self.package)


DEFAULT = Target()


@dataclass(frozen=True)
class Shop:
    """Functions that can be run, by their names, and what they can be run with; the directory is a temporary one."""

    functions: Mapping[str, Runnable]
    events: GoodEvents
    workers: Workers
    directory: Path


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
            _fill(stack)
        built = target.packages()
        with gateway(0) as connections, tempfile.TemporaryDirectory() as directory:
            functions = _runnable(stack, built, connections)
            with workers(functions, Path(directory)) as processes:
                world = World(stack, {name: each.function for name, each in functions.items()}, load())
                with world.prepared(target.state):
                    events = GoodEvents(stack, world, processes)
                    yield Shop(_chosen(functions, target.functions), events, processes, Path(directory))
                    events.disconnect()
    finally:
        if not was_up:
            lifecycle.take_down(target.state)


def _consume_nothing(stack: Stack) -> None:
    """End what goes on by itself: nobody takes the orders of a measured function from the queue beside it."""
    functions = stack.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _fill(stack: Stack) -> None:
    for sku in ("MUG-001", "NOTE-001", "PAY-WEBHOOK"):
        stack.client("dynamodb").update_item(
            TableName=stack.outputs["ProductsTableName"],
            Key={"sku": {"S": sku}},
            UpdateExpression="SET stock = :stock",
            ExpressionAttributeValues={":stock": {"N": str(_STOCK)}},
        )


def _runnable(stack: Stack, built: Mapping[str, Path], connections: str) -> dict[str, Runnable]:
    """Return how each function runs: as it is deployed, but for who takes posts to connections.

    Those of the sample events were never opened; so a server that takes them plays the gateway.
    """
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
        raise Problem(f"there is no function {unknown[0]}: name one of {', '.join(sorted(functions))}")
    return {name: each for name, each in sorted(functions.items()) if not names or name in names}
