"""Events: one for each thing that has happened, none lost, none made up."""

import io
import json
import os
from dataclasses import replace
from typing import Any

import pytest

from storefront.orders import publish_order_events
from storefront.orders.event import event_of_change
from storefront.orders.event_bus import EventBus
from storefront.orders.order_item import item_of
from storefront.orders.status import Reason, Status
from tests.unit.orders.shop import Shop
from tools.testing.events import Context

DEAD_LETTERS = os.environ["DEAD_LETTER_QUEUE_URL"]


class Bus:
    """An EventBridge client that takes all entries but some."""

    def __init__(self, *refused: int) -> None:
        self.entries: list[dict[str, Any]] = []
        self._refused = refused

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - the API's own name
        results = []
        for entry in Entries:
            refused = len(self.entries) in self._refused
            self.entries.append(entry)
            results.append({"ErrorCode": "ThrottlingException"} if refused else {"EventId": "id"})
        return {"FailedEntryCount": len(self._refused), "Entries": results}


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    bus = Bus()
    monkeypatch.setattr(publish_order_events, "_bus", EventBus(bus, "orders"))  # type: ignore[arg-type]
    return bus


def record(number: int, before: Any, after: Any) -> dict[str, Any]:
    images = {"OldImage": before, "NewImage": after}
    change = {name: item_of(order) for name, order in images.items() if order}
    keys = {"orderId": {"S": (after or before).key.order_id}}
    return {"dynamodb": {"SequenceNumber": str(number), "Keys": keys, **change}}


def publish(*records: dict[str, Any]) -> list[str]:
    answer = publish_order_events.handler({"Records": list(records)}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_an_orders_life_is_told_in_two_events(shop: Shop, bus: Bus) -> None:
    pending = shop.place(shop.sell("MUG-001"), quantity=2)
    reserved = shop.orders.reserve(pending)
    confirmed = shop.orders.confirm(reserved, "ch-1")

    failed = publish(record(1, None, pending), record(2, pending, reserved), record(3, reserved, confirmed))

    assert failed == []
    assert [entry["DetailType"] for entry in bus.entries] == ["OrderAccepted", "OrderConfirmed"]
    detail = json.loads(bus.entries[1]["Detail"])
    assert detail == {
        "schemaVersion": 1,
        "orderId": pending.key.order_id,
        "customerId": "customer",
        "status": "CONFIRMED",
        "version": 3,
        "total": {"amount": 2000, "currency": "EUR"},
        "acceptedAt": detail["acceptedAt"],
        "occurredAt": detail["occurredAt"],
        "correlationId": "correlation",
    }
    assert detail["acceptedAt"] <= detail["occurredAt"]
    envelope = {name: value for name, value in bus.entries[1].items() if name != "Detail"}
    assert envelope == {
        "EventBusName": "orders",
        "Source": "storefront.orders",
        "DetailType": "OrderConfirmed",
        "Time": confirmed.updated_at,
    }


def test_a_rejection_says_why(shop: Shop, bus: Bus) -> None:
    pending = shop.place(shop.sell("MUG-001"))
    rejected = shop.orders.reject(pending, Reason.OUT_OF_STOCK)

    publish(record(1, pending, rejected))

    assert json.loads(bus.entries[0]["Detail"])["rejectionReason"] == "OUT_OF_STOCK"


@pytest.mark.parametrize("status", [Status.RESERVED, Status.AWAITING_PAYMENT])
def test_steps_on_the_way_are_nobodys_business(shop: Shop, bus: Bus, status: Status) -> None:
    pending = shop.place(shop.sell("MUG-001"))
    step = shop.orders.reserve(pending)
    if status is Status.AWAITING_PAYMENT:
        pending, step = step, shop.orders.await_payment(step, "ch-1")

    assert event_of_change(pending.status, step) is None


def test_a_change_that_leaves_the_status_is_no_event(shop: Shop, bus: Bus) -> None:
    rejected = shop.orders.reject(
        shop.orders.reserve(shop.place(shop.sell("MUG-001"))), Reason.PAYMENT_UNAVAILABLE, refund_due=True
    )

    publish(record(1, rejected, shop.orders.refunded(rejected)))

    assert bus.entries == []


def test_a_deleted_order_is_no_event(shop: Shop, bus: Bus) -> None:
    publish(record(1, shop.place(shop.sell("MUG-001")), None))

    assert bus.entries == []
    assert "Messages" not in shop.aws.sqs.receive_message(QueueUrl=DEAD_LETTERS)


def test_the_stream_goes_on_from_the_first_event_the_bus_did_not_take(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: io.StringIO
) -> None:
    sku = shop.sell("MUG-001")
    orders = [shop.place(sku, key=f"key-{number}") for number in range(25)]
    # Each comes from a request of its own
    orders = [replace(order, correlation_id=f"request-{number}") for number, order in enumerate(orders)]
    records = [record(number, None, order) for number, order in enumerate(orders)]
    refusing = Bus(13, 14)
    monkeypatch.setattr(publish_order_events, "_bus", EventBus(refusing, "orders"))  # type: ignore[arg-type]

    failed = publish(*records)

    assert failed == ["13"]
    assert len(refusing.entries) == 20, "what comes after the refusal waits"
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "OrdersAccepted" in line]
    assert counted[0]["OrdersAccepted"] == [1.0] * 13
    (told,) = [json.loads(line) for line in log.getvalue().splitlines() if "event not published" in line]
    assert (told["order_id"], told["correlation_id"]) == (orders[13].key.order_id, "request-13")


def test_a_change_that_cannot_be_read_is_put_aside_and_stops_no_other(
    shop: Shop, bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = (record(number, None, shop.place(shop.sell(f"MUG-00{number}"), key=str(number))) for number in (1, 2))
    bad["dynamodb"]["NewImage"]["status"] = {"S": "UNHEARD_OF"}

    failed = publish(bad, good)

    assert failed == []
    assert len(bus.entries) == 1
    aside = json.loads(shop.aws.sqs.receive_message(QueueUrl=DEAD_LETTERS)["Messages"][0]["Body"])
    assert aside == {"key": bad["dynamodb"]["Keys"], "sequenceNumber": "2"}
    assert '"OrderChangesNotReadable":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_outcomes_are_counted_and_timed(shop: Shop, bus: Bus, capsys: pytest.CaptureFixture[str]) -> None:
    pending = shop.place(shop.sell("MUG-001"))
    rejected = shop.orders.reject(pending, Reason.OUT_OF_STOCK)

    publish(record(1, None, pending), record(2, pending, rejected))

    metrics = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line)
    assert (metrics["OrdersAccepted"], metrics["OrdersRejected"]) == ([1.0], [1.0])
    units = {metric["Name"]: metric["Unit"] for metric in metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units == {"OrdersAccepted": "Count", "OrdersRejected": "Count", "SecondsToOutcome": "Seconds"}
    assert metrics["SecondsToOutcome"] == [(rejected.updated_at - pending.accepted_at).total_seconds()]


def test_a_change_that_cannot_be_read_is_put_aside_once_however_often_the_bus_refuses(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an event in front of the change, and one behind it
    first, bad, last = (
        record(number, None, shop.place(shop.sell(f"MUG-00{number}"), key=str(number))) for number in (1, 2, 3)
    )
    bad["dynamodb"]["NewImage"]["status"] = {"S": "UNHEARD_OF"}

    # When the bus refuses the one in front twenty times, and then the one behind it, which the stream begins at
    tries = 20 * [(0, (first, bad, last), "1")] + [(1, (first, bad, last), "3")] + 20 * [(0, (last,), "3")]
    for refused, batch, begins_at in tries:
        monkeypatch.setattr(publish_order_events, "_bus", EventBus(Bus(refused), "orders"))  # type: ignore[arg-type]
        assert publish(*batch) == [begins_at]

    letters = shop.aws.sqs.receive_message(QueueUrl=DEAD_LETTERS, MaxNumberOfMessages=10).get("Messages", [])
    assert len(letters) == 1
