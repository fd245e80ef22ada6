"""Counts what AWS charges for: what the functions ask of it for one order, one chat message, one connection.

The functions' own handlers run, one after the other as AWS would call them, with moto as AWS and a payment provider
that approves. It is a process of its own, since they log to standard output and what they log is counted:
``python -m tools.bench.counting FILE-DESCRIPTOR FAN_OUT...`` writes JSON to that.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from moto import mock_aws

# Sets the environment that the handlers read at their import, with the names that moto's resources are given.
import tests.conftest  # noqa: F401
from storefront.chat.connection import CONNECTION_TIME
from storefront.shared import clock
from tools.bench.capacity import index_units, read_units, write_units
from tools.testing.aws import Aws
from tools.testing.chat import Client, message
from tools.testing.events import Context, rest_event, sqs_record

_WARM_UPS = 1
# "Amazon API Gateway Pricing": a message is metered in parts of 32 KB.
_MESSAGE_BYTES = 32 * 1024
# "PutLogEvents", Amazon CloudWatch Logs API Reference: each line counts for 26 bytes more than it has.
_LINE_BYTES = 26
_TRANSACTION = 2
_ROOM = "support"


@dataclass
class Step:
    """One invocation, and what it asked of AWS.

    Attributes
    ----------
    function
        Its name in the template.
    trigger
        What calls it: ``rest``, ``authorizer``, ``frame``, ``connection`` (its beginning or end), ``queue``, ``bus`` (a
        queue that a rule fills), ``stream``, or ``schedule``.
    calls
        How often which operation; a charge is ``payments:POST``.
    posted
        Messages to connections, as they are metered.
    events
        What was put on the bus.
    """

    function: str
    trigger: str
    calls: Counter[str] = field(default_factory=Counter)
    write_units: float = 0
    read_units: float = 0
    posted: int = 0
    events: int = 0
    log_bytes: int = 0


class Meter:
    """Stands between the functions and moto, and keeps the books of the step that runs."""

    def __init__(self) -> None:
        self.step = Step("", "")
        # What the stream of the orders table would bring: images before and after.
        self.changes: list[tuple[Any, Any]] = []
        self.published: list[Any] = []
        self._call = BaseClient._make_api_call  # type: ignore[attr-defined]
        self._tables: dict[str, Any] = {}

    def watched(self, client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        """Make a call, and count it."""
        # As botocore's events name it.
        service = client.meta.service_model.service_id.hyphenize()
        self.step.calls[f"{service}:{operation}"] += 1
        if operation == "PostToConnection":
            self.step.posted += math.ceil(len(parameters["Data"]) / _MESSAGE_BYTES)
            return {}
        if operation == "PutEvents":
            self.step.events += len(parameters["Entries"])
            self.published += parameters["Entries"]
        if service == "dynamodb":
            return self._on_tables(client, operation, parameters)
        return self._call(client, operation, parameters)

    def _on_tables(self, client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        writes = list(_writes(operation, parameters))
        before = [self._item(client, table, content) for table, content in writes]
        answer = self._call(client, operation, parameters)
        for (table, content), old in zip(writes, before, strict=True):
            new = self._item(client, table, content)
            factor = _TRANSACTION if operation == "TransactWriteItems" else 1
            # That a transaction counts twice is said of items, and not of their entries in indexes.
            self.step.write_units += factor * write_units(old, new) + index_units(self._table(client, table), old, new)
            if table == os.environ["ORDERS_TABLE"] and old != new:
                self.changes.append((old, new))
        self._read(client, operation, parameters, answer)
        return answer

    def _read(self, client: Any, operation: str, parameters: dict[str, Any], answer: Any) -> None:
        consistent = parameters.get("ConsistentRead", False)
        match operation:
            case "GetItem":
                items = [[answer.get("Item", {})]]
            case "BatchGetItem":
                # Each item is read by itself.
                items = [[item] for found in answer["Responses"].values() for item in found]
            case "Query":
                # What is not shown, or only counted, was read as well.
                whole = {name: parameters[name] for name in parameters.keys() - {"ProjectionExpression", "Select"}}
                items = [self._call(client, operation, whole)["Items"]]
            case _:
                items = []
        self.step.read_units += sum(read_units(read, consistent=consistent) for read in items)

    def _item(self, client: Any, table: str, content: dict[str, Any]) -> Any:
        names = [part["AttributeName"] for part in self._table(client, table)["KeySchema"]]
        key = {name: content[name] for name in names}
        return self._call(client, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get("Item")

    def _table(self, client: Any, name: str) -> Any:
        if name not in self._tables:
            self._tables[name] = self._call(client, "DescribeTable", {"TableName": name})["Table"]
        return self._tables[name]


class Business:
    """The shop's functions, called as AWS calls them."""

    def __init__(self, aws: Aws, meter: Meter) -> None:
        self._aws = aws
        self._meter = meter
        self._members = 0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this process

    def order(self) -> list[Step]:
        """Have an order placed, processed and told of."""
        place = rest_event(
            customer="customer",
            body={"lines": [{"sku": "MUG-001", "quantity": 1}, {"sku": "TEA-001", "quantity": 2}]},
            headers={"Idempotency-Key": os.urandom(8).hex(), "Content-Type": "application/json"},
        )
        steps = [self._invoke("orders.place_order", "rest", place)]
        (body,) = self._in_the_queue()
        steps.append(self._invoke("orders.process_orders", "queue", {"Records": [sqs_record(body)]}))
        changes, self._meter.changes = self._meter.changes, []
        for number, change in enumerate(changes):
            steps.append(self._invoke("orders.publish_order_events", "stream", {"Records": [_record(number, *change)]}))
        published, self._meter.published = self._meter.published, []
        for event in published:
            told = {
                "detail-type": event["DetailType"],
                "source": event["Source"],
                "detail": json.loads(event["Detail"]),
            }
            steps.append(self._invoke("chat.deliver_order_status", "bus", {"Records": [sqs_record(told)]}))
        return steps

    def message(self, recipients: int) -> list[Step]:
        """Have a message sent to a room of so many, its sender among them; the room grows from one time to the next."""
        sender = Client("sender")
        if not self._members:
            self._open(sender)
            self._join(sender)
            self._members = 1
        self._meter.step = Step("", "")
        for number in range(self._members, recipients):
            self._add_member(f"connection-{number}")
        self._members = recipients
        return [self._invoke("chat.send_message", "frame", sender.event("sendMessage", message(_ROOM)))]

    def connection(self) -> list[Step]:
        """Have somebody connect, join a room and leave again."""
        client, steps = self.connect("ada")
        joined = self._join(client)
        return [*steps, joined, self._invoke("chat.close_connection", "connection", client.event("$disconnect"))]

    def connect(self, customer: str) -> tuple[Client, list[Step]]:
        """Have somebody connect."""
        client = Client(os.urandom(8).hex(), customer=customer)
        ticket = self._invoke("chat.create_ticket", "rest", rest_event(customer=customer))
        text = json.loads(self._answer["body"])["ticket"]
        handshake = {
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:chat/dev/$connect",
            "queryStringParameters": {"ticket": text},
            "multiValueHeaders": {},
            **client.event("$connect"),
        }
        authorized = self._invoke("access.authorize_connection", "authorizer", handshake)
        return client, [ticket, authorized, self._open(client)]

    def reconciliation(self) -> list[Step]:
        """Have the reconciler look around, with nothing to do."""
        return [self._invoke("orders.reconcile_orders", "schedule", {})]

    def _in_the_queue(self) -> list[Any]:
        """Take the messages out of the orders queue; that is the poller's doing, and no step's."""
        self._meter.step = Step("", "")
        return self._aws.messages()

    def _add_member(self, connection_id: str) -> None:
        """Write the row that joining makes, without its transaction: moto copies the whole table for each."""
        row = {"pk": {"S": f"room#{_ROOM}"}, "sk": {"S": f"member#{connection_id}"}}
        until = int((clock.now() + CONNECTION_TIME).timestamp())
        self._aws.dynamodb.put_item(TableName=os.environ["CHAT_TABLE"], Item={**row, "expiresAt": {"N": str(until)}})

    def _open(self, client: Client) -> Step:
        return self._invoke("chat.open_connection", "connection", client.event("$connect"))

    def _join(self, client: Client) -> Step:
        join = {"action": "joinRoom", "requestId": "r-1", "room": _ROOM}
        return self._invoke("chat.join_room", "frame", client.event("joinRoom", join))

    def _invoke(self, module: str, trigger: str, event: dict[str, Any]) -> Step:
        handler: Callable[[Any, Any], Any] = import_module(f"storefront.{module}").handler
        name = "".join(word.title() for word in module.rpartition(".")[2].split("_")) + "Function"
        self._meter.step = step = Step(name, trigger)
        with self._logs_of(step):
            self._answer = handler(event, Context(function_name=name))
        return step

    @contextmanager
    def _logs_of(self, step: Step) -> Iterator[None]:
        """Count what is printed."""
        sys.stdout.flush()
        self._log.seek(0)
        self._log.truncate()
        kept = os.dup(1)
        os.dup2(self._log.fileno(), 1)
        try:
            yield
            sys.stdout.flush()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        self._log.seek(0)
        lines = self._log.read().splitlines()
        step.log_bytes = sum(len(line) + _LINE_BYTES for line in lines)


def main(result: int, fan_outs: list[int]) -> None:
    """Count everything, once it is warm: what is read at first use, and kept, is not part of a request."""
    with mock_aws(), mock.patch.object(BaseClient, "_make_api_call", _call):
        aws = Aws.create()
        for sku in ("MUG-001", "TEA-001"):
            aws.add_product(sku)
        aws.ssm.put_parameter(Name=os.environ["PAYMENTS_URL_PARAMETER"], Value="https://payments", Type="String")
        business = Business(aws, METER)
        # The customer who orders has a chat open, and is told there.
        business.connect("customer")
        with _provider():
            for _ in range(1 + _WARM_UPS):
                counted = {
                    "order": business.order(),
                    "connection": business.connection(),
                    "reconciliation": business.reconciliation(),
                    "message to 1": business.message(1),
                }
            counted |= {f"message to {recipients}": business.message(recipients) for recipients in sorted(fan_outs)}
    with os.fdopen(result, "w") as file:
        json.dump({name: [vars(step) for step in steps] for name, steps in counted.items()}, file)


METER = Meter()


def _call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    return METER.watched(client, operation, parameters)


@contextmanager
def _provider() -> Iterator[None]:
    """Put a payment provider in place that approves every charge."""
    import requests  # noqa: PLC0415

    def approve(*_: Any, **__: Any) -> requests.Response:
        METER.step.calls["payments:POST"] += 1
        response = requests.Response()
        response.status_code = 200
        response._content = b'{"chargeId": "ch-1", "status": "approved"}'
        return response

    with mock.patch.object(requests.Session, "request", approve):
        yield


def _record(number: int, before: Any, after: Any) -> dict[str, Any]:
    """Return the record that the orders table's stream has of a change."""
    images = {name: image for name, image in (("OldImage", before), ("NewImage", after)) if image}
    keys = {name: (after or before)[name] for name in ("customerId", "orderId")}
    return {
        "eventName": "MODIFY" if before else "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "SequenceNumber": str(number), **images},
    }


def _writes(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the table and the key, or the item that has it, of everything that a call writes or checks."""
    match parameters:
        case {"TransactItems": items}:
            for item in items:
                ((_, part),) = item.items()
                yield part["TableName"], part.get("Key") or part["Item"]
        case {"RequestItems": tables} if operation == "BatchWriteItem":
            for table, requests in tables.items():
                for request in requests:
                    ((_, part),) = request.items()
                    yield table, part.get("Key") or part["Item"]
        case {"TableName": table} if operation in {"PutItem", "UpdateItem", "DeleteItem"}:
            yield table, parameters.get("Key") or parameters["Item"]


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(number) for number in sys.argv[2:]])
