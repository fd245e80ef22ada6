"""Pipelines that are measured: the shop's orders, and the floor, which does nothing with a request."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from storefront.shared.http import session
from tools.console import Problem, step
from tools.demo.api_client import SETTLED, ApiClient, sign_in
from tools.stack.addresses import local_url
from tools.stack.seed import item_of
from tools.stack.stack import Stack

_FLOOR_TEMPLATE = Path(__file__).with_name("floors") / "pipeline.yaml"
_FLOOR_NAME = "floor"
_WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

# When a request was accepted, and when it had its outcome, in seconds.
Times = tuple[float, float]
Item = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Pipeline:
    """Something that accepts requests, which wait in a queue; a table has their outcomes.

    Each ``client`` makes a request, and returns the id of what was accepted. ``id_and_times`` are those of an item of
    the table; without an outcome there are no times.
    """

    sqs: Any
    dynamodb: Any
    queue_url: str
    table: str
    client: Callable[[], Callable[[], str]]
    id_and_times: Callable[[Item], tuple[str, Times | None]]

    def is_done(self) -> bool:
        """Tell whether the queue is empty; this is asked often, and costs next to nothing."""
        asked = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=_WAITING)
        return not any(int(asked["Attributes"][name]) for name in _WAITING)

    def times(self, ids: set[str]) -> list[Times]:
        """Return the times of those of these requests that have their outcome."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table)
        found = (self.id_and_times(item) for page in pages for item in page["Items"])
        return [times for name, times in found if name in ids and times]


def orders(stack: Stack) -> Pipeline:
    """Return Storefront's: each request orders one piece of a product that there is enough of."""
    token, sku = sign_in(stack, "customer"), f"BENCH-{uuid.uuid4().hex[:8].upper()}"
    product = {"sku": sku, "name": "sold to a benchmark", "description": "", "category": "bench"}
    item = item_of({**product, "price": 1000, "stock": 1_000_000}) | {"listing": {"S": "bench"}}
    dynamodb = stack.client("dynamodb")
    dynamodb.put_item(TableName=stack.outputs["ProductsTableName"], Item=item)

    def client() -> Callable[[], str]:
        customer = ApiClient(stack.url, token)
        return lambda: str(accepted(lambda: customer.order({sku: 1}))["orderId"])

    def id_and_times(item: Item) -> tuple[str, Times | None]:
        # It was last written when it settled.
        times = _seconds(item["acceptedAt"]), _seconds(item["updatedAt"])
        return item["orderId"]["S"], times if item["status"]["S"] in SETTLED else None

    queue_url, table = stack.outputs["OrdersQueueUrl"], stack.outputs["OrdersTableName"]
    return Pipeline(stack.client("sqs"), dynamodb, queue_url, table, client, id_and_times)


def floor(stack: Stack) -> Pipeline:
    """Deploy the pipeline that does nothing, and return it: its requests are written down."""
    cloudformation = stack.client("cloudformation")
    with step("deploy the floor"):
        cloudformation.create_stack(
            StackName=_FLOOR_NAME,
            TemplateBody=_FLOOR_TEMPLATE.read_text(),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=_FLOOR_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        described = cloudformation.describe_stacks(StackName=_FLOOR_NAME)["Stacks"][0]["Outputs"]
    outputs = {one["OutputKey"]: local_url(one["OutputValue"], stack.endpoint) for one in described}

    def client() -> Callable[[], str]:
        http = session()

        def make() -> str:
            thing = str(uuid.uuid4())
            accepted(lambda: http.post(f"{outputs['Url']}/things", json={"run": "bench", "id": thing}, timeout=30))
            return thing

        return make

    def id_and_times(item: Item) -> tuple[str, Times]:
        return item["id"]["S"], (float(item["acceptedAt"]["N"]), float(item["writtenAt"]["N"]))

    sqs, dynamodb = stack.client("sqs"), stack.client("dynamodb")
    return Pipeline(sqs, dynamodb, outputs["QueueUrl"], outputs["Table"], client, id_and_times)


def accepted(send: Callable[[], requests.Response]) -> dict[str, Any]:
    """Make a request, and return the answer's body; one that is not accepted is a ``Problem``."""
    try:
        response = send()
    except requests.Timeout:
        raise Problem("the local stack does not answer: this machine is too busy, try again when it is not") from None
    if response.status_code != requests.codes.accepted:
        answer = f"{response.status_code} {response.text[:200]}"
        raise Problem(f"{response.url} answers {answer}: see emulator.log of the benchmark's stack")
    body: dict[str, Any] = response.json()
    return body


def _seconds(attribute: dict[str, str]) -> float:
    return datetime.fromisoformat(attribute["S"]).timestamp()
