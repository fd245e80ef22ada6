"""How many requests a function makes of AWS for one of its own: each costs money, and time that somebody waits for.

A new request or message each time, which goes its good way; retries would count. No other call is made.
"""

import json
import os
import uuid
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from urllib3 import HTTPResponse

from storefront.catalog import get_product, list_products
from storefront.chat import authorize_connection, create_ticket, open_connection, send_message
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.room_store import RoomStore
from storefront.orders import get_order, list_orders, place_order, process_orders
from storefront.orders.order import Order
from storefront.payments.charge import Charge, Decision
from storefront.shared import clock
from tests.support.attempts import counted
from tools.testing.aws import Aws
from tools.testing.aws_calls import AwsCall, Listen
from tools.testing.chat import Client, message
from tools.testing.events import Context, rest_event, sqs_record
from tools.testing.template import ROOT

CUSTOMER = "the-customer"


@pytest.fixture
def shop(aws: Aws) -> Aws:
    """A shop with two products."""
    aws.add_product("MUG-001")
    aws.add_product("NOTE-001")
    return aws


def call(handler: Callable[[Any, Any], Any], event: Any) -> Any:
    return handler(event, Context())


def order(lines: int = 2) -> dict[str, Any]:
    wanted = [{"sku": sku, "quantity": 1} for sku in ("MUG-001", "NOTE-001")[:lines]]
    return rest_event(customer=CUSTOMER, headers={"Idempotency-Key": str(uuid.uuid4())}, body={"lines": wanted})


def placed(count: int = 1) -> list[str]:
    return [json.loads(call(place_order.handler, order())["body"])["orderId"] for _ in range(count)]


def message_about(order_id: str) -> dict[str, Any]:
    return sqs_record({"schemaVersion": 1, "customerId": CUSTOMER, "orderId": order_id})


@pytest.mark.parametrize("lines", [1, 2])
def test_placing_an_order_is_one_read_for_prices_one_write_and_one_send(shop: Aws, lines: int) -> None:
    with counted() as requests:
        answer = call(place_order.handler, order(lines))

    assert answer["statusCode"] == 202
    assert requests == {"BatchGetItem": 1, "PutItem": 1, "SendMessage": 1}


def test_getting_an_order_is_one_request(shop: Aws) -> None:
    (order_id,) = placed()

    with counted() as requests:
        answer = call(get_order.handler, rest_event(customer=CUSTOMER, path={"orderId": order_id}))

    assert answer["statusCode"] == 200
    assert requests == {"GetItem": 1}


def test_listing_orders_is_one_request_for_a_page(shop: Aws) -> None:
    placed(3)

    with counted() as requests:
        answer = call(list_orders.handler, rest_event(customer=CUSTOMER, query={"limit": "2"}))

    assert len(json.loads(answer["body"])["items"]) == 2
    assert requests == {"Query": 1}


def test_reading_the_catalogue_is_one_request(shop: Aws) -> None:
    with counted() as listing:
        assert call(list_products.handler, rest_event())["statusCode"] == 200
    with counted() as getting:
        assert call(get_product.handler, rest_event(path={"sku": "MUG-001"}))["statusCode"] == 200

    assert (listing, getting) == ({"Query": 1}, {"GetItem": 1})


class Approving:
    """A payment provider that approves, without AWS."""

    def charge(self, order: Order) -> Charge:
        return Charge("ch-1", Decision.APPROVED)


@pytest.mark.parametrize("orders", [1, 3])
def test_processing_an_order_is_three_requests_besides_the_charge(
    shop: Aws, monkeypatch: pytest.MonkeyPatch, orders: int
) -> None:
    monkeypatch.setattr(process_orders, "_payments", Approving())
    records = [message_about(order_id) for order_id in placed(orders)]

    with counted() as requests:
        answer = call(process_orders.handler, {"Records": records})

    assert answer == {"batchItemFailures": []}
    assert [item["status"]["S"] for item in shop.orders()] == ["CONFIRMED"] * orders
    assert requests == {"GetItem": orders, "TransactWriteItems": orders, "UpdateItem": orders}


@pytest.mark.parametrize("others", [0, 1, 40])
def test_sending_a_message_is_one_transaction_one_query_one_post_for_each_recipient_and_one_acknowledgement(
    aws: Aws, others: int
) -> None:
    sender = in_the_room(aws, others)

    with counted() as requests:
        call(send_message.handler, sender.event("sendMessage", message()))

    recipients = others + 1
    assert requests == {"TransactWriteItems": 1, "Query": 1, "PostToConnection": recipients + 1}


def test_a_room_of_several_pages_is_one_query_for_each_page(aws: Aws, listen: Listen) -> None:
    # Given pages of two recipients, where DynamoDB's are of a megabyte
    sender = in_the_room(aws, 4)

    def in_small_pages(call: AwsCall) -> None:
        if call.operation == "Query":
            call.parameters["Limit"] = 2

    listen(in_small_pages)

    with counted() as requests:
        call(send_message.handler, sender.event("sendMessage", message()))

    assert requests == {"TransactWriteItems": 1, "Query": 3, "PostToConnection": 5 + 1}


def test_a_ticket_is_one_request_and_connecting_with_it_two(aws: Aws) -> None:
    with counted() as ticket:
        answer = call(create_ticket.handler, rest_event(customer=CUSTOMER))
    with counted() as connecting:
        allowed = call(authorize_connection.handler, handshake(json.loads(answer["body"])["ticket"]))
        call(open_connection.handler, Client("a-connection").event("$connect"))

    assert allowed["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert (ticket, connecting) == ({"PutItem": 1}, {"DeleteItem": 1, "TransactWriteItems": 1})


def test_a_request_that_is_made_again_counts_again(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a DynamoDB that fails once
    aws.add_product("MUG-001")
    failures = iter([AWSResponse("", 500, {}, HTTPResponse(BytesIO(b"{}"), preload_content=False))])
    events = get_product._products._dynamodb.meta.events
    events.register_first("before-send", lambda **_: next(failures, None), unique_id="fails once")
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    try:
        with counted() as requests:
            answer = call(get_product.handler, rest_event(path={"sku": "MUG-001"}))
    finally:
        events.unregister("before-send", unique_id="fails once")

    assert answer["statusCode"] == 200
    assert requests == {"GetItem": 2}


def in_the_room(aws: Aws, others: int) -> Client:
    """Return somebody who is in a room with a number of others."""
    sender, *rest = (Client(f"connection-{number}", f"customer-{number}") for number in range(others + 1))
    connections = ConnectionStore(aws.dynamodb, os.environ["CHAT_TABLE"])
    rooms = RoomStore(aws.dynamodb, os.environ["CHAT_TABLE"])
    for client in (sender, *rest):
        connections.open(client.connection)
        rooms.join(client.connection, "support", clock.now())
    return sender


def handshake(ticket: str) -> dict[str, Any]:
    """Return what the authorizer of the chat is asked."""
    event = json.loads((ROOT / "events" / "authorize-connection" / "good.json").read_text())
    return event | {"queryStringParameters": {"ticket": ticket}}
