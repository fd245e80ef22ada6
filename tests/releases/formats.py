"""Writes and reads, with one version of the code, what two versions hand each other during a release.

A program, one of each version: `PYTHONPATH` names its code. `python formats.py write` prints what this version writes
about one order. `python formats.py read` takes such things from standard input, whoever wrote them, and prints what
this version makes of each. It touches no AWS service. Versions agree on what it prints, not on what it imports.
"""

import contextlib
import json
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import storefront
from storefront.shared import aws, configuration

Json = dict[str, Any]

ROOT = Path(storefront.__path__[0]).parents[1]
CUSTOMER = "5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e11"
ORDER_ID = "ord-" + "a" * 32
MOMENT = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Recorder:
    """An AWS client that notes what it is asked and answers what it was told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.answers: dict[str, Json] = {"put_events": {"Entries": [{"EventId": "1"}]}}

    def __getattr__(self, operation: str) -> Callable[..., Json]:
        def call(**request: Any) -> Json:
            self.calls.append((operation, request))
            return self.answers.get(operation, {})

        return call

    def asked(self, operation: str) -> Json:
        """Return the last request of an operation."""
        return next(request for name, request in reversed(self.calls) if name == operation)


class Key(str):
    """A secret: a text to the versions that asked for it at each use, to later ones a function that returns it."""

    def __call__(self) -> str:
        return self


recorder = Recorder()
# Before a handler is imported, which makes its clients.
aws.client = lambda service: recorder
configuration.secret = lambda variable: Key("a-key")

with contextlib.redirect_stdout(sys.stderr):
    from storefront.orders import list_orders, publish_order_events
    from storefront.orders.order import Line, Order, OrderKey
    from storefront.orders.order_item import order_of
    from storefront.orders.order_store import OrderStore
    from storefront.orders.queue import OrderQueue, order_key_of
    from storefront.partners.queue import handed_in_of
    from storefront.shared.money import Money
    from storefront.shared.queue import correlation_id_of

CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=512, invoked_function_arn="arn:aws:lambda:::function:f", aws_request_id="1"
)

# The members of an order. A version takes those that it knows: a new member is added here with the code that writes it.
ORDER: Json = {
    "key": OrderKey(CUSTOMER, ORDER_ID),
    "lines": (Line("MUG-001", "Mug", 2, Money(1250, "EUR")),),
    "request_hash": "a-hash",
    "correlation_id": "a-request",
    "accepted_at": MOMENT,
    "updated_at": MOMENT,
    "review_at": MOMENT,
}


def write() -> Json:
    """Return what this version writes about the order, in the shapes in which it arrives elsewhere."""
    order = Order(**{each.name: ORDER[each.name] for each in fields(Order) if each.name in ORDER})
    OrderStore(recorder, "orders").accept(order)
    item = recorder.asked("put_item")["Item"]
    OrderQueue(recorder, "queue").send(order)
    message = recorder.asked("send_message")
    return {
        "message": {
            "messageId": "1",
            "body": message["MessageBody"],
            "messageAttributes": {
                name: {"stringValue": attribute["StringValue"]}
                for name, attribute in message["MessageAttributes"].items()
            },
        },
        "item": item,
        "event": published(item),
        "cursor": page(item)["nextCursor"],
        "partnerMessage": partner_message(),
    }


def read(written: Json) -> Json:
    """Return what this version makes of what any version has written."""
    item = written["item"]
    key, order = order_key_of(written["message"]), order_of(item)
    handed_in = handed_in_of(written["partnerMessage"])
    shown = page(item, written["cursor"])["items"][0]
    continued = recorder.asked("query")["ExclusiveStartKey"]
    return {
        "message": [key.customer_id, key.order_id, correlation_id_of(written["message"])],
        "item": [order.version, order.reviews, order.request_hash, order.correlation_id, str(order.review_at)],
        "shown": shown,
        "streamImage": published(item),
        "cursor": continued,
        "partnerMessage": [handed_in.partner_id, handed_in.correlation_id, handed_in.body],
        "changed": changed(item),
    }


def published(item: Json) -> Json:
    """Return the event that this version publishes when the stream shows it this item as a new one."""
    record = {"eventName": "INSERT", "dynamodb": {"Keys": {}, "SequenceNumber": "1", "NewImage": item}}
    publish_order_events.handler({"Records": [record]}, CONTEXT)
    entry = recorder.asked("put_events")["Entries"][0]
    return {"type": entry["DetailType"], "detail": json.loads(entry["Detail"])}


def page(item: Json, cursor: str | None = None) -> Json:
    """Return the page of orders that this version answers with, which has this one and more behind it."""
    recorder.answers["query"] = {
        "Items": [item],
        "LastEvaluatedKey": {name: item[name] for name in ("customerId", "orderId", "acceptedAt")},
    }
    event = json.loads((ROOT / "events/list-orders/good.json").read_text().replace("${UserPoolClientId}", "the-client"))
    event["queryStringParameters"] = {"cursor": cursor} if cursor else None
    answer = list_orders.handler(event, CONTEXT)
    body: Json = json.loads(answer["body"])
    if answer["statusCode"] != 200:
        raise SystemExit(f"GET /orders: {body}")
    return body


def partner_message() -> Json:
    """Return a message as the gateway puts it on the queue: its template names the attributes."""
    names = re.findall(r"MessageAttribute\.\d+\.Name=(\w+)", (ROOT / "openapi.yaml").read_text())
    return {
        "messageId": "1",
        "body": '{"reference":"PO-1"}',
        "messageAttributes": {name: {"stringValue": f"the {name}"} for name in names},
    }


def changed(item: Json) -> list[str]:
    """Return the attributes that an update by this version writes or removes."""
    OrderStore(recorder, "orders").postpone(order_of(item), MOMENT)
    return sorted(recorder.asked("update_item")["ExpressionAttributeNames"].values())


def read_or_fail(written: Json) -> Json:
    """Return what this version makes of something, or how it fails to."""
    try:
        return read(written)
    except Exception:
        return {"failed": traceback.format_exc()}


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        result = write() if sys.argv[1] == "write" else [read_or_fail(written) for written in json.load(sys.stdin)]
    print(json.dumps(result))
