"""Orders on the local stack, at 1, 10 and 50 clients: how many a second, and how long from acceptance to outcome."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from pydantic import TypeAdapter

from tools.bench.figure import Figure
from tools.bench.pictures import bars
from tools.bench.pipelines import Pipeline, Times, floor, orders
from tools.bench.report import Run
from tools.bench.section import Section, about
from tools.console import Problem, step
from tools.stack import lifecycle
from tools.stack.stack import STATE_DIRECTORY, Stack

_STATE = STATE_DIRECTORY / "bench-pipeline"
# By the number of clients, how many requests they make together; so a trial is bounded, and takes some seconds.
_REQUESTS = {1: 30, 10: 100, 50: 200}
_TRIALS = 3
_QUICK_REQUESTS = {1: 5, 10: 20}
_QUICK_TRIALS = 1
_WARM_UPS = 3
_SETTLE_SECONDS = 120
_POLL_SECONDS = 0.3
_UNITS = {"accepted": "1/s", "settled": "1/s", "seconds to outcome": "s"}


@dataclass(frozen=True)
class Trial:
    """The time that requests have taken: those accepted and settled a second, and each one's seconds to its outcome."""

    accepted: float
    settled: float
    outcomes: list[float]


@dataclass(frozen=True)
class Measurement:
    """The figures of both pipelines for a number of clients, by the names of their units."""

    clients: int
    requests: int
    orders: dict[str, Figure]
    floor: dict[str, Figure]

    @property
    def label(self) -> str:
        """How many clients."""
        return "1 client" if self.clients == 1 else f"{self.clients} clients"

    @property
    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of its rows."""
        for what in _UNITS:
            ours, floor = self.orders[what], self.floor[what]
            figures = ours.text, ours.spread, floor.text, floor.spread, f"{ours.ratio_to(floor):.2f}"
            yield self.label, f"{self.requests:,}", what, *figures


_READ = TypeAdapter(list[Measurement]).validate_python


def measure(run: Run) -> Section:
    """Place orders on a stack of the benchmark's own."""
    amounts, trials = (_QUICK_REQUESTS, _QUICK_TRIALS) if run.quick else (_REQUESTS, _TRIALS)
    with _stack() as stack:
        pipelines = {"orders": orders(stack), "floor": floor(stack)}
        with step("warm up") as current:
            for clients, (name, pipeline) in product(amounts, pipelines.items()):
                current.progress(f"{name}, {clients} clients")
                _warm_up(pipeline, clients)
        measured = [
            Measurement(clients, amount, **_measured(pipelines, clients, amount, trials))
            for clients, amount in amounts.items()
        ]
    return section({"measurements": [asdict(one) for one in measured]})


def section(data: Any) -> Section:
    """Make the report's section."""
    measured = _READ(data["measurements"])
    return Section(
        *about("pipeline"),
        head=("clients", "orders", "", "ours", "spread", "floor", "spread of the floor", "ratio"),
        rows=[row for one in measured for row in one.rows],
        chart=bars(
            "Orders settled a second, and the floor",
            ("orders", "floor"),
            [(one.label, (one.orders["settled"], one.floor["settled"])) for one in measured],
        ),
        data=data,
    )


@contextmanager
def _stack() -> Iterator[Stack]:
    try:
        yield lifecycle.ensure_up(_STATE)
    finally:
        lifecycle.take_down(_STATE)


def _warm_up(pipeline: Pipeline, clients: int) -> None:
    """Have all clients come at once, so that the functions' processes are there; two cores can take several tries."""
    for _ in range(_WARM_UPS - 1):
        with suppress(Problem):
            _try(pipeline, clients, amount=2 * clients)
            return
    _try(pipeline, clients, amount=2 * clients)


def _measured(
    pipelines: Mapping[str, Pipeline], clients: int, amount: int, trials: int
) -> dict[str, dict[str, Figure]]:
    """Return the figures of each pipeline; they run in turn."""
    kept: dict[str, list[Trial]] = {name: [] for name in pipelines}
    with step(f"{amount} orders by {clients} clients") as current:
        for number in range(trials):
            for name, pipeline in pipelines.items():
                current.progress(f"{name}, {number + 1} of {trials}")
                kept[name].append(_try(pipeline, clients, amount))
    return {name: _figures(done) for name, done in kept.items()}


def _figures(trials: list[Trial]) -> dict[str, Figure]:
    samples = {
        "accepted": [trial.accepted for trial in trials],
        "settled": [trial.settled for trial in trials],
        "seconds to outcome": [statistics.median(trial.outcomes) for trial in trials],
    }
    return {name: Figure.of(values, _UNITS[name]) for name, values in samples.items()}


def _try(pipeline: Pipeline, clients: int, amount: int) -> Trial:
    """Make a number of requests and wait until all have their outcome."""
    makers = [pipeline.client() for _ in range(clients)]
    started = time.time()
    with ThreadPoolExecutor(clients) as pool:
        shares = pool.map(lambda number: [makers[number]() for _ in range(number, amount, clients)], range(clients))
        ids = {one for share in shares for one in share}
    accepted = time.time() - started
    times = _settled(pipeline, ids)
    outcomes = [done - taken for taken, done in times]
    return Trial(amount / accepted, amount / (max(done for _, done in times) - started), outcomes)


def _settled(pipeline: Pipeline, ids: set[str]) -> list[Times]:
    """Wait until all have their outcome, and return when."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    times: list[Times] = []
    while len(times) < len(ids):
        if time.monotonic() > deadline:
            raise Problem(f"{len(ids) - len(times)} of {len(ids)} have no outcome after {_SETTLE_SECONDS} s: try again")
        time.sleep(_POLL_SECONDS)
        if pipeline.is_done():
            times = pipeline.times(ids)
    return times
