"""An order's way through the whole system, and everything that can get in it."""

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest

from payments.behaviour import BEHAVIOURS
from storefront.orders.order import order_id_of
from tests.local.conftest import Books
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient
from tools.stack.stack import Stack

Subscriber = Callable[[str, int], list[dict[str, Any]]]


def test_an_order_goes_from_the_api_to_confirmed_and_is_told_on_the_bus(
    customer: ApiClient, books: Books, events_of: Subscriber
) -> None:
    sku = books.sell(price=1250, stock=10)

    accepted = customer.order({sku: 3})
    order = customer.settled(accepted.json()["orderId"])

    assert accepted.status_code == 202
    assert accepted.json() == {"orderId": order["orderId"], "status": "PENDING"}
    assert order["status"] == "CONFIRMED"
    assert order["total"] == {"amount": 3750, "currency": "EUR"}
    assert books.stock(sku) == 7
    assert books.charges()[order["orderId"]] == ("approved", 3750)
    told = events_of(order["orderId"], 2)
    assert [event["detail-type"] for event in told] == ["OrderAccepted", "OrderConfirmed"]
    assert told[0]["detail"]["version"] < told[1]["detail"]["version"]
    request_ids = {event["detail"]["correlationId"] for event in told}
    assert request_ids == {books.order(customer, order["orderId"])["correlationId"]["S"]}


def test_the_location_leads_to_the_order_on_any_stage(customer: ApiClient, books: Books) -> None:
    accepted = customer.order({books.sell(): 1})

    url = urljoin(customer.url + "/orders", accepted.headers["Location"])

    assert url == f"{customer.url}/orders/{accepted.json()['orderId']}"


def test_a_request_repeated_gets_the_same_answer_and_makes_no_second_order(customer: ApiClient, books: Books) -> None:
    sku, key = books.sell(stock=10), str(uuid.uuid4())

    first, second = customer.order({sku: 1}, key), customer.order({sku: 1}, key)
    customer.settled(first.json()["orderId"])
    third = customer.order({sku: 1}, key)

    assert first.status_code == second.status_code == third.status_code == 202
    assert first.content == second.content == third.content
    assert books.stock(sku) == 9


def test_another_body_under_the_same_key_is_422(customer: ApiClient, books: Books) -> None:
    sku, key = books.sell(), str(uuid.uuid4())
    customer.order({sku: 1}, key)

    refused = customer.order({sku: 2}, key)

    assert (refused.status_code, refused.json()["status"]) == (422, 422)


def test_another_customers_order_cannot_be_told_from_none(customer: ApiClient, other: ApiClient, books: Books) -> None:
    order_id = customer.order({books.sell(): 1}).json()["orderId"]

    anothers = other.request("GET", f"/orders/{order_id}")
    nobodys = other.request("GET", "/orders/ord-none")

    assert anothers.status_code == nobodys.status_code == 404
    assert anothers.json() | {"instance": ""} == nobodys.json() | {"instance": ""}
    listed = [order["orderId"] for order in other.request("GET", "/orders?limit=100").json()["items"]]
    assert order_id not in listed


def test_pages_of_ones_orders_are_newest_first_and_complete(customer: ApiClient, books: Books) -> None:
    sku = books.sell()
    placed = [customer.order({sku: 1}).json()["orderId"] for _ in range(5)]

    listed: list[str] = []
    cursor = ""
    while len(listed) < 5:
        page = customer.request("GET", f"/orders?limit=2{cursor}").json()
        assert len(page["items"]) <= 2
        listed += [order["orderId"] for order in page["items"]]
        cursor = f"&cursor={page['nextCursor']}"

    assert listed[:5] == placed[::-1]


def test_a_customers_cursor_opens_nothing_of_anothers(customer: ApiClient, other: ApiClient, books: Books) -> None:
    sku = books.sell()
    for _ in range(2):
        customer.order({sku: 1})
    cursor = customer.request("GET", "/orders?limit=1").json()["nextCursor"]

    assert other.request("GET", f"/orders?limit=1&cursor={cursor}").status_code == 400


@pytest.mark.parametrize(
    ("sku", "status", "reason"),
    [
        ("PAY-DECLINED", "REJECTED", "PAYMENT_DECLINED"),
        ("PAY-RECOVERS", "CONFIRMED", None),
        ("PAY-SLOW", "CONFIRMED", None),
        ("PAY-LOOKUP", "CONFIRMED", None),
    ],
)
def test_every_way_of_the_sandbox_settles_the_order(
    customer: ApiClient, sku: str, status: str, reason: str | None
) -> None:
    accepted = customer.order({sku: 1})

    order = customer.settled(accepted.json()["orderId"])

    assert (order["status"], order.get("rejectionReason")) == (status, reason)


def test_a_payment_that_is_undecided_is_awaited(customer: ApiClient) -> None:
    order_id = customer.order({"PAY-PENDING": 1}).json()["orderId"]

    wait_until(
        lambda: customer.request("GET", f"/orders/{order_id}").json()["status"] == "AWAITING_PAYMENT",
        "the order awaits its payment",
    )


def test_a_provider_that_fails_for_ever_dead_letters_the_order_after_five_receives(
    customer: ApiClient, books: Books
) -> None:
    order_id = customer.order({"PAY-FAILS": 1}).json()["orderId"]

    wait_until(lambda: any(order_id in body for body in books.dead_letters()), "the order is dead-lettered", 120)

    assert customer.request("GET", f"/orders/{order_id}").json()["status"] == "RESERVED"
    item = books.stack.client("dynamodb").get_item(
        TableName=books.stack.outputs["PaymentsSandboxTableName"], Key={"idempotencyKey": {"S": order_id}}
    )["Item"]
    # Each receive calls twice: the charge and its one retry.
    assert int(item["calls"]["N"]) == 10


def test_the_table_of_the_sandbox_names_products_that_are_for_sale(visitor: ApiClient) -> None:
    for cents, behaviour in BEHAVIOURS.items():
        product = visitor.request("GET", f"/products/{behaviour.sku}").json()
        assert product["price"]["amount"] % 100 == cents


def test_more_than_there_is_is_rejected_and_takes_nothing(customer: ApiClient, books: Books) -> None:
    sku = books.sell(stock=1)

    order = customer.settled(customer.order({sku: 2}).json()["orderId"])

    assert (order["status"], order["rejectionReason"]) == ("REJECTED", "OUT_OF_STOCK")
    assert books.stock(sku) == 1


def test_one_poison_message_of_ten_is_dead_lettered_alone(customer: ApiClient, books: Books) -> None:
    # Given nine orders whose messages come again in one batch with a poison message
    sku = books.sell()
    order_ids = [customer.order({sku: 1}).json()["orderId"] for _ in range(9)]
    poison = f"poison {uuid.uuid4()}"

    books.send(poison, *[message_of(books.order(customer, order_id)) for order_id in order_ids])

    assert {customer.settled(order_id)["status"] for order_id in order_ids} == {"CONFIRMED"}
    wait_until(lambda: poison in books.dead_letters(), "the poison message is dead-lettered", 120)
    assert not any(order_id in body for body in books.dead_letters() for order_id in order_ids)
    assert books.stock(sku) == 1000 - 9


def test_the_same_message_eight_times_at_once_is_one_order(customer: ApiClient, books: Books) -> None:
    sku = books.sell(stock=10)
    order_id = customer.order({sku: 2}).json()["orderId"]
    message = message_of(books.order(customer, order_id))

    books.send(*[message] * 8)

    assert customer.settled(order_id)["status"] == "CONFIRMED"
    wait_until(lambda: queue_is_empty(books), "all messages are processed")
    assert books.stock(sku) == 8
    assert books.charges()[order_id] == ("approved", 2000)


def test_the_reconciler_saves_an_order_whose_message_was_lost(stack: Stack, customer: ApiClient, books: Books) -> None:
    # Given an order as a crash between table and queue leaves it: PENDING, nothing in the queue, long ago
    sku = books.sell(stock=5)
    template = books.order(customer, customer.order({books.sell(): 1}).json()["orderId"])
    order_id = order_id_of("lost", str(uuid.uuid4()))
    lines = [{"sku": sku, "name": "lost", "quantity": 1, "unitPrice": 1000}]
    lost = {
        **{name: value for name, value in template.items() if name not in {"chargeId", "reviewAt", "reviewShard"}},
        "orderId": {"S": order_id},
        "status": {"S": "PENDING"},
        "version": {"N": "1"},
        "lines": {"L": [{"M": {k: {"S": v} if isinstance(v, str) else {"N": str(v)} for k, v in lines[0].items()}}]},
        "reviewAt": {"S": "2026-01-01T00:00:00.000Z"},
        "reviewShard": {"N": "2"},
    }
    books.dynamodb.put_item(TableName=stack.outputs["OrdersTableName"], Item=lost)

    answer = stack.client("lambda").invoke(FunctionName=stack.outputs["ReconcileOrdersFunctionName"], Payload=b"{}")

    assert json.loads(answer["Payload"].read())["failed"] == 0
    assert customer.settled(order_id)["status"] == "CONFIRMED"
    assert books.stock(sku) == 4


def message_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"schemaVersion": 1, "customerId": item["customerId"]["S"], "orderId": item["orderId"]["S"]}


def queue_is_empty(books: Books) -> bool:
    attributes = books.sqs.get_queue_attributes(QueueUrl=books.stack.outputs["OrdersQueueUrl"], AttributeNames=["All"])[
        "Attributes"
    ]
    return attributes["ApproximateNumberOfMessages"] == attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
