"""The processor's handler: a batch in which each message fares by itself."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from storefront.orders import process_orders
from storefront.orders.order import Order
from storefront.orders.status import Status
from tests.unit.orders.shop import Shop
from tools.testing.events import Context, sqs_record


def message_of(order: Order) -> dict[str, Any]:
    return {"schemaVersion": 1, "customerId": order.key.customer_id, "orderId": order.key.order_id}


def process(records: list[dict[str, Any]]) -> list[str]:
    answer = process_orders.handler({"Records": records}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The pauses that the handler asks the queue for."""
    asked: list[int] = []
    monkeypatch.setattr(process_orders._queue, "hide", lambda handle, seconds: asked.append(seconds))
    yield asked


@pytest.mark.parametrize(
    "poison",
    [
        "not json",
        "[]",
        "null",
        {},
        {"schemaVersion": 1, "orderId": "ord-1"},
        {"schemaVersion": 1, "customerId": "", "orderId": "ord-1"},
        {"schemaVersion": 1, "customerId": ["c"], "orderId": "ord-1"},
        {"schemaVersion": 99, "customerId": "c", "orderId": "ord-1"},
        {"schemaVersion": 1, "customerId": "c", "orderId": "ord-of-nobody"},
    ],
    ids=str,
)
def test_one_poison_message_of_ten_fails_alone(shop: Shop, pauses: list[int], poison: Any) -> None:
    sku = shop.sell("MUG-001")
    orders = [shop.place(sku, key=f"key-{number}", quantity=1) for number in range(9)]
    records = [sqs_record(message_of(order)) for order in orders]
    bad = sqs_record(poison)

    failed = process([*records[:4], bad, *records[4:]])

    assert failed == [bad["messageId"]]
    assert {shop.status(order) for order in orders} == {Status.CONFIRMED}
    shop.check_invariant()


def test_the_same_message_twice_in_a_batch_succeeds_twice(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001", stock=2), quantity=2)

    failed = process([sqs_record(message_of(order)), sqs_record(message_of(order))])

    assert failed == []
    assert shop.aws.stock("MUG-001") == 0
    shop.check_invariant()


def test_a_failed_message_waits_longer_each_time(shop: Shop, pauses: list[int]) -> None:
    order = shop.place(shop.sell("PAY-FAILS", price=1004), quantity=1)

    for receives in range(1, 5):
        process([sqs_record(message_of(order), receives=receives)])

    # Up to 20 seconds, doubled each time, and at least half of that.
    for pause, longest in zip(pauses, (20, 40, 80, 160), strict=True):
        assert longest / 2 <= pause <= longest


def test_a_failed_message_is_out_of_sight_for_its_pause(shop: Shop) -> None:
    # Given a message as SQS delivers it
    shop.place(shop.sell("PAY-FAILS", price=1004), quantity=1)
    url = process_orders._queue._url
    received = shop.aws.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"][0]
    record = sqs_record(received["Body"]) | {"receiptHandle": received["ReceiptHandle"]}

    process([record])

    assert "Messages" not in shop.aws.sqs.receive_message(QueueUrl=url)


def test_orders_for_which_there_is_no_time_are_left_alone(shop: Shop, pauses: list[int]) -> None:
    order = shop.place(shop.sell("MUG-001"))
    record = sqs_record(message_of(order))

    answer = process_orders.handler({"Records": [record]}, Context(remaining_milliseconds=20_000))

    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert shop.status(order) is Status.PENDING
    assert len(pauses) == 1


def test_a_pause_that_cannot_be_set_fails_the_message_all_the_same(shop: Shop) -> None:
    record = sqs_record("not json")

    assert process([record]) == [record["messageId"]]


def test_the_log_tells_what_became_of_an_order_and_which_request_it_goes_back_to(shop: Shop, log: io.StringIO) -> None:
    # Out of stock, so that the sandbox, whose logger is this process's too, is not called
    order = shop.place(shop.sell("MUG-001", stock=0))

    process([sqs_record(message_of(order), correlation_id="the-request")])

    (told,) = [json.loads(line) for line in log.getvalue().splitlines() if "order processed" in line]
    assert (told["order_id"], told["correlation_id"]) == (order.key.order_id, "the-request")
    assert (told["status"], told["reason"]) == ("REJECTED", "OUT_OF_STOCK")
