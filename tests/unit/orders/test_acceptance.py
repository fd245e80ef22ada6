"""Accepting orders: once, at the price of the moment, whatever happens in between."""

import json
from urllib.parse import urljoin

import pytest

from storefront.catalog.store import ProductStore
from storefront.orders import place_order
from storefront.orders.acceptance import OrderIntake
from storefront.orders.request import parse_order_request
from storefront.orders.status import Status
from storefront.shared import clock
from storefront.shared.errors import Unprocessable
from tests.support.faults import Crash, crash, every_position
from tests.unit.orders.shop import SCHEDULE, Shop
from tools.testing.events import Context, rest_event


def test_a_repeated_request_finds_the_order_and_is_sent_again_while_pending(shop: Shop) -> None:
    sku = shop.sell("MUG-001")

    first, second = shop.place(sku), shop.place(sku)

    assert second == first
    assert len(shop.stored()) == 1
    assert len(shop.aws.messages()) == 2


def test_a_repeated_request_for_a_settled_order_sends_nothing(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001"))
    shop.process_queue()

    repeated = shop.place("MUG-001")

    assert (repeated.key, repeated.status) == (order.key, Status.CONFIRMED)
    assert shop.aws.messages() == []


def test_another_body_under_the_same_key_is_refused(shop: Shop) -> None:
    shop.place(shop.sell("MUG-001"), quantity=1)

    with pytest.raises(Unprocessable, match="new key"):
        shop.place("MUG-001", quantity=2)

    assert [line.quantity for order in shop.stored() for line in order.lines] == [1]


def test_two_customers_may_use_the_same_key(shop: Shop) -> None:
    sku = shop.sell("MUG-001")

    one, other = shop.place(sku, customer="one"), shop.place(sku, customer="other")

    assert one.key.order_id != other.key.order_id


def test_the_price_is_the_one_at_acceptance(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001", price=1000), quantity=3)
    shop.aws.add_product("MUG-001", price=9900)

    shop.process_queue()

    assert shop.read(order.key).total.amount == 3000
    assert shop.aws.charges()[order.key.order_id] == ("approved", 3000)


def test_an_unknown_product_is_named_and_nothing_is_written(shop: Shop) -> None:
    with pytest.raises(Unprocessable, match="NO-SUCH"):
        shop.place("NO-SUCH")

    assert shop.stored() == []
    assert shop.aws.messages() == []


def test_a_repeated_request_is_answered_though_the_product_is_gone(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001"))
    shop.aws.dynamodb.delete_item(TableName="ProductsTable", Key={"sku": {"S": "MUG-001"}})

    assert shop.place("MUG-001") == order


def test_products_of_two_currencies_are_refused(shop: Shop) -> None:
    shop.aws.add_product("MUG-001", currency="EUR")
    shop.aws.add_product("MUG-002", currency="USD")
    intake = OrderIntake(ProductStore(shop.dynamodb, "ProductsTable"), shop.orders, shop.queue, SCHEDULE)
    body = b'{"lines": [{"sku": "MUG-001", "quantity": 1}, {"sku": "MUG-002", "quantity": 1}]}'

    with pytest.raises(Unprocessable, match="currencies"):
        intake.place_order(parse_order_request(body), "customer", "key", "correlation", clock.now())

    assert shop.stored() == []


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("rescue", ["the customer repeats the request", "the reconciler finds the order"])
def test_a_crash_between_any_two_steps_loses_no_order(shop: Shop, rescue: str, after: bool) -> None:
    crashes = 0
    for number, trigger in enumerate(every_position(crash, after=after)):
        # Given a crash at this step of acceptance
        key = f"key-{number}"
        sku = shop.sell(f"MUG-{number:03}")
        try:
            shop.watched_by(trigger).place(sku, key=key)
        except Crash:
            crashes += 1

        # When the order is rescued
        if rescue.startswith("the customer"):
            shop.place(sku, key=key)
        else:
            shop.reconcile()
        shop.process_queue()

        # Then it is there once at the most, settled, and everything adds up
        orders = [order for order in shop.stored() if order.lines[0].sku == sku]
        assert len(orders) <= 1
        assert all(order.status is Status.CONFIRMED for order in orders)
        assert orders or rescue.startswith("the reconciler")
        shop.check_invariant()

    assert crashes == 3, "read prices, write, send"


@pytest.mark.parametrize("path", ["/orders", "/orders/"])
@pytest.mark.parametrize(
    ("base", "prefix"),
    [
        # The stage is in the address and not in the event's path; a base path of a domain name's mapping is in both.
        ("https://ab12cd34ef.execute-api.eu-west-1.amazonaws.com/dev", ""),
        ("https://api.shop.example.com", ""),
        ("https://api.example.com/shop", "/shop"),
    ],
)
def test_the_location_leads_to_the_order_however_the_route_was_called(
    shop: Shop, base: str, prefix: str, path: str
) -> None:
    body = {"lines": [{"sku": shop.sell("MUG-001"), "quantity": 1}]}
    event = rest_event(customer="customer", headers={"Idempotency-Key": "key"}, body=body) | {"path": prefix + path}

    answer = place_order.handler(event, Context())  # type: ignore[arg-type]

    order_id = json.loads(answer["body"])["orderId"]
    assert urljoin(base + path, answer["headers"]["Location"]) == f"{base}/orders/{order_id}"
