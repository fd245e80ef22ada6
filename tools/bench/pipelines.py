"""Pipelines that are measured: the shop's orders, and the floor, which does nothing with a request."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from storefront.shared.http import session
from tools.console import Problem, step
from tools.demo.api_client import SETTLED, ApiClient, sign_in
from tools.stack.addresses import local_url
from tools.stack.stack import Stack

_FLOOR_TEMPLATE = Path(__file__).with_name("floors") / "pipeline.yaml"
_FLOOR_NAME = "floor"
_WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

# When a request was accepted, and when it had its outcome, in seconds.
Times = tuple[float, float]
Item = dict[str, dict[str, str]]


class Pipeline(ABC):
    """Something that accepts requests, which wait in a queue; a table has their outcomes."""

    def __init__(self, stack: Stack, queue_url: str, table: str) -> None:
        self._stack = stack
        self._dynamodb, self._sqs = stack.client("dynamodb"), stack.client("sqs")
        self._queue_url = queue_url
        self._table = table

    @abstractmethod
    def client(self) -> Callable[[], str]:
        """Return what a client does: it makes a request, and returns the id of what was accepted."""

    @abstractmethod
    def id_and_times(self, item: Item) -> tuple[str, Times | None]:
        """Return the id of an item of the table, and its times, if it has its outcome."""

    def is_done(self) -> bool:
        """Tell whether the queue is empty; this is asked often, and costs next to nothing."""
        asked = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=_WAITING)
        return not any(int(asked["Attributes"][name]) for name in _WAITING)

    def times(self, ids: set[str]) -> list[Times]:
        """Return the times of those of these requests that have their outcome."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._table)
        found = (self.id_and_times(item) for page in pages for item in page["Items"])
        return [times for name, times in found if name in ids and times]


class Orders(Pipeline):
    """Storefront's: each request orders one piece of a product that there is enough of."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, stack.outputs["OrdersQueueUrl"], stack.outputs["OrdersTableName"])
        self._token = sign_in(stack, "customer")
        self._sku = f"BENCH-{uuid.uuid4().hex[:8].upper()}"
        self._sell()

    def client(self) -> Callable[[], str]:
        """Return what places an order."""
        customer = ApiClient(self._stack.url, self._token)
        return lambda: str(accepted(lambda: customer.order({self._sku: 1}))["orderId"])

    def id_and_times(self, item: Item) -> tuple[str, Times | None]:
        """Return when an order was accepted, and when last written: with that, it had settled."""
        times = _seconds(item["acceptedAt"]), _seconds(item["updatedAt"])
        return item["orderId"]["S"], times if item["status"]["S"] in SETTLED else None

    def _sell(self) -> None:
        texts = {"name": "sold to a benchmark", "description": "", "category": "bench", "currency": "EUR"}
        item = {name: {"S": text} for name, text in {**texts, "sku": self._sku, "listing": "bench"}.items()}
        item |= {"price": {"N": "1000"}, "stock": {"N": "1000000"}}
        self._dynamodb.put_item(TableName=self._stack.outputs["ProductsTableName"], Item=item)


class Floor(Pipeline):
    """The one that does nothing: its requests are written down."""

    def __init__(self, stack: Stack) -> None:
        outputs = _deployed_floor(stack)
        super().__init__(stack, outputs["QueueUrl"], outputs["Table"])
        self._url = f"{outputs['Url']}/things"

    def client(self) -> Callable[[], str]:
        """Return what makes a request."""
        http = session()

        def make() -> str:
            thing = str(uuid.uuid4())
            accepted(lambda: http.post(self._url, json={"run": "bench", "id": thing}, timeout=30))
            return thing

        return make

    def id_and_times(self, item: Item) -> tuple[str, Times | None]:
        """Return when a request was accepted, and when its item was written."""
        return item["id"]["S"], (float(item["acceptedAt"]["N"]), float(item["writtenAt"]["N"]))


def accepted(send: Callable[[], requests.Response]) -> dict[str, Any]:
    """Make a request, and return the answer's body; one that is not accepted is a ``Problem``: nothing to measure."""
    try:
        response = send()
    except requests.Timeout:
        raise Problem("the local stack does not answer: this machine is too busy, try again when it is not") from None
    if response.status_code != requests.codes.accepted:
        answer = f"{response.status_code} {response.text[:200]}"
        raise Problem(f"{response.url} answers {answer}: see emulator.log of the benchmark's stack")
    body: dict[str, Any] = response.json()
    return body


def _deployed_floor(stack: Stack) -> dict[str, str]:
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


def _seconds(attribute: dict[str, str]) -> float:
    return datetime.fromisoformat(attribute["S"]).timestamp()
