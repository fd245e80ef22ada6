"""Messages: what the queue, the bus and the dead letters are given, and what is read of a message."""

import json
from typing import Any

import pytest

from storefront.orders.event import OrderEvent
from storefront.orders.event_bus import EventBus
from storefront.orders.order import OrderKey
from storefront.orders.queue import DeadLetterQueue, OrderQueue, order_key_of
from storefront.shared.queue import MalformedMessage, correlation_id_of
from tests.unit.orders.test_order_item import ORDER


class Recorder:
    """A client of SQS or EventBridge that keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> dict[str, Any]:
            self.given.append(parameters)
            return {"Entries": [{"EventId": "id"}] * len(parameters.get("Entries", ()))}

        return call


def test_a_message_names_the_order_and_its_request() -> None:
    sqs = Recorder()

    OrderQueue(sqs, "the-queue").send(ORDER)  # type: ignore[arg-type]

    assert sqs.given == [
        {
            "QueueUrl": "the-queue",
            "MessageBody": '{"schemaVersion":1,"customerId":"customer","orderId":"ord-1"}',
            "MessageAttributes": {"correlationId": {"DataType": "String", "StringValue": "correlation"}},
        }
    ]


def test_a_message_can_wait() -> None:
    sqs = Recorder()

    OrderQueue(sqs, "the-queue").hide("receipt", 40)  # type: ignore[arg-type]

    assert sqs.given == [{"QueueUrl": "the-queue", "ReceiptHandle": "receipt", "VisibilityTimeout": 40}]


def test_a_dead_letter_is_json() -> None:
    sqs = Recorder()

    DeadLetterQueue(sqs, "the-dead-letters").put_aside({"key": "ord-1"})  # type: ignore[arg-type]

    assert sqs.given == [{"QueueUrl": "the-dead-letters", "MessageBody": '{"key": "ord-1"}'}]


MESSAGE = {"schemaVersion": 1, "customerId": "customer", "orderId": "ord-1"}


def test_a_message_of_the_next_version_is_read_as_far_as_it_is_known() -> None:
    body = json.dumps({**MESSAGE, "priority": "high"})

    assert order_key_of({"body": body}) == OrderKey("customer", "ord-1")


@pytest.mark.parametrize("name", MESSAGE)
@pytest.mark.parametrize("value", [None, "", 2, ["customer"]], ids=str)
def test_a_message_with_a_part_of_another_kind_is_malformed(name: str, value: Any) -> None:
    with pytest.raises(MalformedMessage):
        order_key_of({"body": json.dumps({**MESSAGE, name: value})})


@pytest.mark.parametrize("body", ["", "not JSON", "[]", "null", "1", '"text"'])
def test_what_is_not_a_message_is_malformed(body: str) -> None:
    with pytest.raises(MalformedMessage):
        order_key_of({"body": body})


@pytest.mark.parametrize(
    ("record", "correlation_id"),
    [
        ({"messageId": "m-1", "messageAttributes": {"correlationId": {"stringValue": "the-request"}}}, "the-request"),
        ({"messageId": "m-1", "messageAttributes": {"correlationId": {"stringValue": ""}}}, "m-1"),
        ({"messageId": "m-1", "messageAttributes": {"correlationId": {}}}, "m-1"),
        ({"messageId": "m-1", "messageAttributes": {}}, "m-1"),
        ({"messageId": "m-1", "messageAttributes": None}, "m-1"),
        ({"messageId": "m-1"}, "m-1"),
    ],
    ids=str,
)
def test_a_message_goes_back_to_a_request_or_else_to_itself(record: dict[str, Any], correlation_id: str) -> None:
    assert correlation_id_of(record) == correlation_id


def test_an_event_is_published_with_all_that_consumers_read() -> None:
    bus = Recorder()

    assert EventBus(bus, "the-bus").publish([OrderEvent("OrderRejected", ORDER)]) is None  # type: ignore[arg-type]

    ((entry,),) = (call["Entries"] for call in bus.given)
    assert entry.pop("Detail") == (
        '{"schemaVersion":1,"orderId":"ord-1","customerId":"customer","status":"REJECTED","version":7,'
        '"total":{"amount":4500,"currency":"EUR"},"acceptedAt":"2026-01-02T03:04:05.678Z",'
        '"occurredAt":"2026-01-02T03:04:06.789Z","correlationId":"correlation",'
        '"rejectionReason":"PAYMENT_UNAVAILABLE"}'
    )
    assert entry == {
        "EventBusName": "the-bus",
        "Source": "storefront.orders",
        "DetailType": "OrderRejected",
        "Time": ORDER.updated_at,
    }
    assert OrderEvent("OrderRejected", ORDER).seconds_since_acceptance == 1.111


@pytest.mark.parametrize(
    ("taken", "first_failed", "calls"), [(25, None, [10, 10, 5]), (13, 13, [10, 10]), (0, 0, [10])]
)
def test_events_are_published_by_tens_until_one_is_not_taken(
    taken: int, first_failed: int | None, calls: list[int]
) -> None:
    class Full(Recorder):
        def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803 - the API's own name
            before = sum(len(call["Entries"]) for call in self.given)
            self.given.append({"Entries": Entries})
            return {"Entries": [{"EventId": "id"} if before + at < taken else {} for at in range(len(Entries))]}

    bus = Full()
    events = [OrderEvent("OrderRejected", ORDER)] * 25

    assert EventBus(bus, "the-bus").publish(events) == first_failed  # type: ignore[arg-type]
    assert [len(call["Entries"]) for call in bus.given] == calls
