"""Counts what AWS charges for: the functions' own handlers run, as AWS would call them, with moto as AWS."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from unittest import mock

import requests
from moto import mock_aws

from storefront.shared.observability import logger
from tools.bench.cost.meter import Meter, Step
from tools.stack.function_name import logical_id_of
from tools.testing import environment, room
from tools.testing.aws import Aws
from tools.testing.aws_calls import heard_by
from tools.testing.chat import Client, message
from tools.testing.events import Context, rest_event, sqs_record
from tools.testing.template import ROOT

_WARM_UPS = 1
# "PutLogEvents", Amazon CloudWatch Logs API Reference: each line counts for 26 bytes more than it has.
_LINE_BYTES = 26
_ROOM = "support"

Counted = dict[str, list[dict[str, Any]]]


def counted(fan_outs: Sequence[int]) -> Counted:
    """Return the steps of everything that is counted, by its name, from a process whose environment is a function's."""
    with mock.patch.dict(os.environ):
        environment.set_up()
        command = [sys.executable, "-m", __spec__.name, *map(str, fan_outs)]
        made: Counted = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    return made


def _count(fan_outs: Sequence[int]) -> Counted:
    # It tells of features that it has not, each time a template is read.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    sys.stdout = io.StringIO()
    # It keeps the stream that it found at its import, which may have been before.
    logger.registered_handler.setStream(sys.stdout)  # type: ignore[attr-defined] # it writes to a stream
    with mock_aws():
        aws = Aws.create()
        for sku in ("MUG-001", "TEA-001"):
            aws.add_product(sku)
        aws.ssm.put_parameter(Name=os.environ["PAYMENTS_URL_PARAMETER"], Value="https://payments", Type="String")
        meter = Meter(aws.dynamodb)
        with heard_by(meter.hear), _approving(meter):
            made = _Scenes(aws, meter).all(fan_outs)
    return {name: [vars(step) for step in steps] for name, steps in made.items()}


class _Scenes:
    """Calls the shop's functions as AWS calls them."""

    def __init__(self, aws: Aws, meter: Meter) -> None:
        self._aws = aws
        self._meter = meter
        self._members = 0
        self._answer: Any = None

    def all(self, fan_outs: Sequence[int]) -> dict[str, list[Step]]:
        """Play all scenes once everything is warm: what is read at first use, and kept, is not part of a request."""
        # The customer who orders has a chat open, and is told there.
        self.connect("customer")
        for _ in range(1 + _WARM_UPS):
            steps = {
                "order": self.order(),
                "connection": self.connection(),
                "reconciliation": [self.invoke("orders.reconcile_orders", "schedule", {})],
                "message to 1": [self.message(1)],
            }
        return steps | {f"message to {recipients}": [self.message(recipients)] for recipients in sorted(fan_outs)}

    def order(self) -> list[Step]:
        """Have an order placed and processed, and its customer told."""
        place = rest_event(
            customer="customer",
            body={"lines": [{"sku": "MUG-001", "quantity": 1}, {"sku": "TEA-001", "quantity": 2}]},
            headers={"Idempotency-Key": os.urandom(8).hex(), "Content-Type": "application/json"},
        )
        steps = [self.invoke("orders.place_order", "rest", place)]
        with self._uncounted():
            (body,) = self._aws.messages()
        steps.append(self.invoke("orders.process_orders", "queue", {"Records": [sqs_record(body)]}))
        changes, self._meter.changes = self._meter.changes, []
        for number, change in enumerate(changes):
            steps.append(self.invoke("orders.publish_order_events", "stream", {"Records": [_record(number, *change)]}))
        published, self._meter.published = self._meter.published, []
        for event in published:
            told = {
                "detail-type": event["DetailType"],
                "source": event["Source"],
                "detail": json.loads(event["Detail"]),
            }
            steps.append(self.invoke("chat.deliver_order_status", "bus", {"Records": [sqs_record(told)]}))
        return steps

    def message(self, recipients: int) -> Step:
        """Have a message sent to a room, its sender among the recipients; the room grows from one time to the next."""
        sender = Client("sender")
        if not self._members:
            self._open(sender)
            self._join(sender)
            self._members = 1
        with self._uncounted():
            names = [f"connection-{number}" for number in range(self._members, recipients)]
            room.fill(self._aws.dynamodb, os.environ["CHAT_TABLE"], _ROOM, names)
        self._members = recipients
        return self.invoke("chat.send_message", "frame", sender.event("sendMessage", message(_ROOM)))

    def connection(self) -> list[Step]:
        """Have somebody connect, join a room and leave again."""
        client, steps = self.connect("ada")
        joined = self._join(client)
        return [*steps, joined, self.invoke("chat.close_connection", "connection", client.event("$disconnect"))]

    def connect(self, customer: str) -> tuple[Client, list[Step]]:
        """Have somebody connect."""
        client = Client(os.urandom(8).hex(), customer=customer)
        ticket = self.invoke("chat.create_ticket", "rest", rest_event(customer=customer))
        handshake = {
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:chat/dev/$connect",
            "queryStringParameters": {"ticket": json.loads(self._answer["body"])["ticket"]},
            "multiValueHeaders": {},
            **client.event("$connect"),
        }
        authorized = self.invoke("chat.authorize_connection", "authorizer", handshake)
        return client, [ticket, authorized, self._open(client)]

    def invoke(self, module: str, trigger: str, event: dict[str, Any]) -> Step:
        """Call a function."""
        handler: Callable[[Any, Any], Any] = import_module(f"storefront.{module}").handler
        name = logical_id_of(module.rpartition(".")[2])
        self._meter.step = step = Step(name, trigger)
        log = sys.stdout
        before = log.tell()
        self._answer = handler(event, Context(function_name=name))
        log.seek(before)
        step.log_bytes = sum(len(line.rstrip("\n").encode()) + _LINE_BYTES for line in log)
        return step

    def _open(self, client: Client) -> Step:
        return self.invoke("chat.open_connection", "connection", client.event("$connect"))

    def _join(self, client: Client) -> Step:
        join = {"action": "joinRoom", "requestId": "r-1", "room": _ROOM}
        return self.invoke("chat.join_room", "frame", client.event("joinRoom", join))

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        """Have calls that are part of no step."""
        self._meter.step = Step()
        yield


@contextmanager
def _approving(meter: Meter) -> Iterator[None]:
    """Put a payment provider in place that approves every charge."""

    def approve(*_: Any, **__: Any) -> requests.Response:
        meter.step.calls["payments:POST"] += 1
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


if __name__ == "__main__":
    print(json.dumps(_count([int(fan_out) for fan_out in sys.argv[1:]])), file=sys.__stdout__)
