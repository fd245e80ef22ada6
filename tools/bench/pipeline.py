"""Orders on the local stack, at 1, 10 and 50 clients: how many a second, and how long from acceptance to outcome.

The stack is one of the benchmark's own: the template, deployed to the emulator, where the payments sandbox approves
every charge. The floor is a pipeline that does nothing, deployed to the same emulator (``floors/pipeline.yaml``, by
CloudFormation): a route whose function sends to a queue, whose consumer writes one item. Both run in turn, for the same
number of requests. When an order was accepted and when it settled is what its item says; for the floor, the same.
"""

from __future__ import annotations

import argparse
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import requests

from tools.bench.pictures import bars
from tools.bench.report import Figure, Section
from tools.console import Problem, step
from tools.demo.customer import SETTLED, Customer, sign_in
from tools.stack import lifecycle
from tools.stack.addresses import local_url
from tools.stack.stack import STATE_DIRECTORY, Stack

_STATE = STATE_DIRECTORY / "bench-pipeline"
_FLOOR_TEMPLATE = Path(__file__).with_name("floors") / "pipeline.yaml"
_FLOOR_NAME = "floor"
# By the number of clients, how many requests they make together; so a run is bounded, and takes some seconds.
_REQUESTS = {1: 30, 10: 100, 50: 200}
_RUNS = 3
_QUICK_REQUESTS = {1: 5, 10: 20}
_QUICK_RUNS = 1
_WARM_UPS = 3
_SETTLE_SECONDS = 120
_POLL_SECONDS = 0.3
_UNITS = {"accepted": "1/s", "settled": "1/s", "seconds to outcome": "s"}


class Pipeline(Protocol):
    """Something that accepts requests, and deals with them later."""

    def client(self) -> Callable[[], str]:
        """Return what a client does: it makes a request, and returns the id of what was accepted."""

    def is_done(self) -> bool:
        """Tell whether nothing waits to be dealt with; this is asked often, and must cost next to nothing."""

    def times(self, ids: set[str]) -> list[tuple[float, float]]:
        """Return when each of these was accepted and had its outcome, those that have one, in seconds."""


class Orders:
    """Storefront's: each request orders one piece of a product that there is enough of."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._dynamodb, self._sqs = stack.client("dynamodb"), stack.client("sqs")
        self._token = sign_in(stack, "customer")
        self._sku = self._sell()

    def client(self) -> Callable[[], str]:
        """Return what places an order."""
        customer = Customer(self._stack.url, self._token)

        def place() -> str:
            order_id: str = _accepted(lambda: customer.order({self._sku: 1}))["orderId"]
            return order_id

        return place

    def is_done(self) -> bool:
        """Tell whether the queue is empty."""
        return _is_empty(self._sqs, self._stack.outputs["OrdersQueueUrl"])

    def times(self, ids: set[str]) -> list[tuple[float, float]]:
        """Return when orders were accepted, and when last written: with that, they had settled."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._stack.outputs["OrdersTableName"])
        mine = (item for page in pages for item in page["Items"] if item["orderId"]["S"] in ids)
        return [
            (_seconds(item["acceptedAt"]), _seconds(item["updatedAt"]))
            for item in mine
            if item["status"]["S"] in SETTLED
        ]

    def _sell(self) -> str:
        sku = f"BENCH-{uuid.uuid4().hex[:8].upper()}"
        texts = {"sku": sku, "name": "sold to a benchmark", "description": "", "category": "bench", "currency": "EUR"}
        item = {name: {"S": text} for name, text in (texts | {"listing": "bench"}).items()}
        item |= {"price": {"N": "1000"}, "stock": {"N": "1000000"}}
        self._dynamodb.put_item(TableName=self._stack.outputs["ProductsTableName"], Item=item)
        return sku


class Floor:
    """The one that does nothing."""

    def __init__(self, stack: Stack, outputs: dict[str, str]) -> None:
        self._dynamodb, self._sqs = stack.client("dynamodb"), stack.client("sqs")
        self._outputs = outputs

    def client(self) -> Callable[[], str]:
        """Return what makes a request."""
        session, url = requests.Session(), f"{self._outputs['Url']}/things"

        def make() -> str:
            thing = str(uuid.uuid4())
            _accepted(lambda: session.post(url, json={"run": "bench", "id": thing}, timeout=30))
            return thing

        return make

    def is_done(self) -> bool:
        """Tell whether the queue is empty."""
        return _is_empty(self._sqs, self._outputs["QueueUrl"])

    def times(self, ids: set[str]) -> list[tuple[float, float]]:
        """Return when requests were accepted, and when their items were written."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._outputs["Table"])
        mine = (item for page in pages for item in page["Items"] if item["id"]["S"] in ids)
        return [(float(item["acceptedAt"]["N"]), float(item["writtenAt"]["N"])) for item in mine]


@dataclass(frozen=True)
class Run:
    """A number of requests, made by some clients at once.

    Attributes
    ----------
    accepted, settled
        How many a second: until the last was accepted, until the last had its outcome.
    outcomes
        The seconds from acceptance to outcome of each.
    """

    accepted: float
    settled: float
    outcomes: list[float]


def add_to(benchmarks: Any) -> None:
    """Add this benchmark to the command line."""
    summary = "orders a second, and seconds to their outcome, on a local stack of its own"
    benchmarks.add_parser("pipeline", help=summary, description=__doc__)


def measure(arguments: argparse.Namespace) -> Section:
    """Place orders on a stack of the benchmark's own."""
    amounts, runs = (_QUICK_REQUESTS, _QUICK_RUNS) if arguments.quick else (_REQUESTS, _RUNS)
    with _stack() as stack:
        pipelines: dict[str, Pipeline] = {"orders": Orders(stack), "floor": Floor(stack, _deploy_floor(stack))}
        with step("warm up") as current:
            for clients, (name, pipeline) in product(amounts, pipelines.items()):
                current.progress(f"{name}, {clients} clients")
                _warm_up(pipeline, clients)
        measured = [
            {"clients": clients, "requests": amount, **_measured(pipelines, clients, amount, runs)}
            for clients, amount in amounts.items()
        ]
    return section({"measurements": measured})


def section(data: Any) -> Section:
    """Make the report's section."""
    rows, drawn = [], []
    for one in data["measurements"]:
        clients = f"{one['clients']} client" + ("s" if one["clients"] > 1 else "")
        ours, floor = ({name: Figure(**figure) for name, figure in one[which].items()} for which in ("orders", "floor"))
        drawn.append((clients, [ours["settled"], floor["settled"]]))
        rows += [
            (
                *(clients, f"{one['requests']:,}", what, ours[what].text, ours[what].spread),
                *(floor[what].text, floor[what].spread, ours[what].ratio_to(floor[what])),
            )
            for what in _UNITS
        ]
    return Section(
        title="Pipeline",
        about=(
            "Orders on the local stack: accepted a second (until the last was accepted), settled a second (until the "
            "last had its outcome), and the seconds from acceptance to outcome, as the orders' own items have them "
            "(`acceptedAt`, `updatedAt`; of each run the median order). The floor is a pipeline that does nothing, in "
            "the same emulator and in turn with ours: a route whose function sends to a queue, whose consumer writes "
            "one item (`floors/pipeline.yaml`). An order is a signed-in customer's, with prices, a write, a send, a "
            "reservation, a charge and a confirmation, and has events published and its status delivered. Assumed: the "
            "emulator, where functions are processes that share this machine's cores with each other and with the "
            "clients, so that the ratio says more than the rate; the payments sandbox, a function too, approves every "
            "charge at once. Not measured: AWS, which has a machine for each function."
        ),
        head=("clients", "orders", "", "ours", "spread", "floor", "spread of the floor", "ratio"),
        rows=rows,
        chart=bars("Orders settled a second, and the floor", ("orders", "floor"), drawn),
        name="pipeline",
        data=data,
    )


@contextmanager
def _stack() -> Iterator[Stack]:
    try:
        yield lifecycle.ensure_up(_STATE)
    finally:
        lifecycle.take_down(_STATE)


def _deploy_floor(stack: Stack) -> dict[str, str]:
    """Deploy the pipeline that does nothing; return its outputs."""
    cloudformation = stack.client("cloudformation")
    with step("deploy the floor"):
        cloudformation.create_stack(
            StackName=_FLOOR_NAME,
            TemplateBody=_FLOOR_TEMPLATE.read_text(),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=_FLOOR_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        outputs = cloudformation.describe_stacks(StackName=_FLOOR_NAME)["Stacks"][0]["Outputs"]
    return {one["OutputKey"]: local_url(one["OutputValue"], stack.endpoint) for one in outputs}


def _warm_up(pipeline: Pipeline, clients: int) -> None:
    """Have as many clients come as will, so that the functions' processes are there.

    All of them start at once, which on two cores can take longer than a client waits: then it comes again.
    """
    for _ in range(_WARM_UPS - 1):
        with suppress(Problem):
            _run(pipeline, clients, amount=2 * clients)
            return
    _run(pipeline, clients, amount=2 * clients)


def _measured(pipelines: dict[str, Pipeline], clients: int, amount: int, runs: int) -> dict[str, Any]:
    """Return the figures of each pipeline; they run in turn."""
    kept: dict[str, list[Run]] = {name: [] for name in pipelines}
    with step(f"{amount} orders by {clients} clients") as current:
        for number in range(runs):
            for name, pipeline in pipelines.items():
                current.progress(f"{name}, run {number + 1} of {runs}")
                kept[name].append(_run(pipeline, clients, amount))
    return {name: _figures(done) for name, done in kept.items()}


def _figures(runs: list[Run]) -> dict[str, Any]:
    samples = {
        "accepted": [run.accepted for run in runs],
        "settled": [run.settled for run in runs],
        "seconds to outcome": [statistics.median(run.outcomes) for run in runs],
    }
    return {name: asdict(Figure.of(values, _UNITS[name])) for name, values in samples.items()}


def _run(pipeline: Pipeline, clients: int, amount: int) -> Run:
    """Make so many requests and wait until all have their outcome.

    Raises
    ------
    Problem
        If one of them has none in time.
    """
    makers = [pipeline.client() for _ in range(clients)]
    started = time.time()
    with ThreadPoolExecutor(clients) as pool:
        shares = pool.map(lambda number: [makers[number]() for _ in range(number, amount, clients)], range(clients))
        ids = {one for share in shares for one in share}
    accepted = time.time() - started
    times = _settled(pipeline, ids)
    outcomes = [done - taken for taken, done in times]
    return Run(amount / accepted, amount / (max(done for _, done in times) - started), outcomes)


def _settled(pipeline: Pipeline, ids: set[str]) -> list[tuple[float, float]]:
    """Wait until all have their outcome, and return when."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    times: list[tuple[float, float]] = []
    while len(times) < len(ids):
        if time.monotonic() > deadline:
            raise Problem(f"{len(ids) - len(times)} of {len(ids)} have no outcome after {_SETTLE_SECONDS} s: try again")
        time.sleep(_POLL_SECONDS)
        if pipeline.is_done():
            times = pipeline.times(ids)
    return times


def _is_empty(sqs: Any, queue_url: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return not any(int(attributes[name]) for name in names)


def _accepted(send: Callable[[], requests.Response]) -> dict[str, Any]:
    """Make a request, and return the answer's body.

    Raises
    ------
    Problem
        If it was not accepted: then there is nothing to measure.
    """
    try:
        response = send()
    except requests.Timeout:
        raise Problem("the local stack does not answer: this machine is too busy, try again when it is not") from None
    if response.status_code != requests.codes.accepted:
        raise Problem(f"{response.url} answers {response.status_code} {response.text[:200]}: see {_STATE}/emulator.log")
    body: dict[str, Any] = response.json()
    return body


def _seconds(attribute: dict[str, str]) -> float:
    return datetime.fromisoformat(attribute["S"]).timestamp()
