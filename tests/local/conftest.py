"""People and machines that use the local stack."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support import route_apis as apis
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient, claims, sign_in
from tools.stack.stack import ROOT, Stack

# Runs a line, with answers to what it asks for, and returns what it prints.
Typed = Callable[..., str]


@pytest.fixture(scope="session")
def typed(stack: Stack, state: Path) -> Typed:
    """Run a line as it is typed in the project's folder, where the environment is activated, on the tests' stack."""
    path = os.pathsep.join((str(ROOT / ".venv" / "bin"), os.environ["PATH"]))
    environment = {**os.environ, "STOREFRONT_STATE": str(state), "PATH": path, "COLUMNS": "80"}

    def run(line: str, answers: str = "", exit_code: int = 0) -> str:
        ended = subprocess.run(
            ["sh", "-c", line], cwd=ROOT, env=environment, input=answers, capture_output=True, text=True, check=False
        )
        assert ended.returncode == exit_code, f"{line}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    return run


@pytest.fixture(scope="session")
def customer(stack: Stack) -> ApiClient:
    return ApiClient(stack.url, sign_in(stack, "customer"))


@pytest.fixture(scope="session")
def other(stack: Stack) -> ApiClient:
    return ApiClient(stack.url, sign_in(stack, "other"))


@pytest.fixture(scope="session")
def visitor(stack: Stack) -> ApiClient:
    return ApiClient(stack.url)


@dataclass(frozen=True)
class Books:
    """The contents of the stack's tables and queues, read without the API."""

    stack: Stack
    seen_dead: set[str] = field(default_factory=set)

    @property
    def dynamodb(self) -> Any:
        return self.stack.client("dynamodb")

    @property
    def sqs(self) -> Any:
        return self.stack.client("sqs")

    def scan(self, table: str) -> list[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.stack.outputs[table])
        return [item for page in pages for item in page["Items"]]

    def orders(self) -> dict[str, dict[str, Any]]:
        return {item["orderId"]["S"]: item for item in self.scan("OrdersTableName")}

    def order(self, customer: ApiClient, order_id: str) -> dict[str, Any]:
        """The item of a customer's order."""
        key = {"customerId": {"S": claims(customer.token or "")["sub"]}, "orderId": {"S": order_id}}
        table = self.stack.outputs["OrdersTableName"]
        item: dict[str, Any] = self.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        return item

    def stock(self, sku: str) -> int:
        key = {"sku": {"S": sku}}
        item = self.dynamodb.get_item(TableName=self.stack.outputs["ProductsTableName"], Key=key)["Item"]
        return int(item["stock"]["N"])

    def charges(self) -> dict[str, tuple[str, int]]:
        """Status and amount of the sandbox's charges, by order id."""
        return {
            item["idempotencyKey"]["S"]: (item["status"]["S"], int(item["amount"]["N"]))
            for item in self.scan("PaymentsSandboxTableName")
            if "amount" in item
        }

    def sell(self, price: int = 1000, stock: int = 1000) -> str:
        """Put a product of the test's own on sale."""
        sku = f"TEST-{uuid.uuid4().hex[:8].upper()}"
        item = {
            "sku": {"S": sku},
            "name": {"S": "a product of a test"},
            "description": {"S": ""},
            "category": {"S": "tests"},
            "price": {"N": str(price)},
            "currency": {"S": "EUR"},
            "stock": {"N": str(stock)},
            "listing": {"S": "tests"},
        }
        self.dynamodb.put_item(TableName=self.stack.outputs["ProductsTableName"], Item=item)
        return sku

    def send(self, *bodies: Any) -> None:
        """Send messages to the processor, up to ten in one batch."""
        entries = [
            {"Id": str(number), "MessageBody": body if isinstance(body, str) else json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
        self.sqs.send_message_batch(QueueUrl=self.stack.outputs["OrdersQueueUrl"], Entries=entries)

    def dead_letters(self) -> set[str]:
        """The bodies of all messages that have come to the dead-letter queue; they stay there."""
        url = self.stack.outputs["OrdersDeadLetterQueueUrl"]
        # A message that has been looked at is out of sight for a moment, so what was seen is remembered.
        while batch := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=2).get(
            "Messages"
        ):
            self.seen_dead.update(message["Body"] for message in batch)
        return self.seen_dead


@pytest.fixture(scope="session")
def books(stack: Stack) -> Books:
    return Books(stack)


@pytest.fixture
def events_of(stack: Stack) -> Iterator[Callable[[str, int], list[dict[str, Any]]]]:
    """A subscriber of the event bus: waits for a number of events about an order and returns them."""
    sqs, events = stack.client("sqs"), stack.client("events")
    name = f"subscriber-{uuid.uuid4().hex[:8]}"
    bus = stack.outputs["EventBusName"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name=name, EventBusName=bus, EventPattern='{"source": ["storefront.orders"]}')["RuleArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    received: list[dict[str, Any]] = []

    def receive(order_id: str, count: int) -> list[dict[str, Any]]:
        def arrived() -> list[dict[str, Any]] | None:
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            received.extend(json.loads(message["Body"]) for message in messages)
            mine = [event for event in received if event["detail"]["orderId"] == order_id]
            return mine if len(mine) >= count else None

        return wait_until(arrived, f"{count} events about {order_id}")

    yield receive
    events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
    events.delete_rule(Name=name, EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)


@dataclass(frozen=True)
class RouteApis:
    """The HTTP and WebSocket APIs of the tests' own, by their names in the template."""

    endpoint: str
    outputs: dict[str, str]

    def address(self, api: str) -> str:
        return f"{self.endpoint}/_aws/execute-api/{self.outputs[api]}"

    @staticmethod
    def deploy(stack: Stack, template: dict[str, Any], kind: str) -> None:
        """Create or update the stack."""
        cloudformation = stack.client("cloudformation")
        send = getattr(cloudformation, f"{kind}_stack")
        capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
        send(StackName=apis.NAME, TemplateBody=json.dumps(template), Capabilities=capabilities)
        waiter = cloudformation.get_waiter(f"stack_{kind}_complete")
        waiter.wait(StackName=apis.NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@pytest.fixture(scope="session")
def route_apis(stack: Stack) -> Iterator[RouteApis]:
    RouteApis.deploy(stack, apis.template(), "create")
    cloudformation = stack.client("cloudformation")
    outputs = cloudformation.describe_stacks(StackName=apis.NAME)["Stacks"][0]["Outputs"]
    yield RouteApis(stack.endpoint, {each["OutputKey"]: each["OutputValue"] for each in outputs})
    cloudformation.delete_stack(StackName=apis.NAME)
