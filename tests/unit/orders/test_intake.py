"""Taking an order in, alone: what is stored, what is sent, and what a repeated request finds."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storefront.catalog.product import Product
from storefront.orders.acceptance import OrderIntake
from storefront.orders.order import Line, Order, OrderKey, order_id_of
from storefront.orders.request import OrderRequest, parse_order_request
from storefront.orders.schedule import Schedule
from storefront.orders.status import Status
from storefront.shared.errors import Unprocessable
from storefront.shared.money import Money
from tests.unit.orders.test_order_item import ORDER

NOW = ORDER.accepted_at
KEY = OrderKey("customer", order_id_of("customer", "key"))
PRICES = {"MUG-001": Money(1000, "EUR"), "POT-001": Money(2500, "EUR"), "SAMOVAR-1": Money(9, "RUB")}


class Shop:
    """The catalogue, the orders table and the queue, which keep what is done to them."""

    def __init__(self, *orders: Order) -> None:
        self.orders = {order.key: order for order in orders}
        self.done: list[Any] = []

    def get_many(self, skus: Any) -> dict[str, Product]:
        return {sku: Product(sku, f"Name of {sku}", "", "kitchen", PRICES[sku]) for sku in skus if sku in PRICES}

    def get(self, key: OrderKey) -> Order | None:
        return self.orders.get(key)

    def accept(self, order: Order) -> Order:
        self.done.append("accepted")
        return self.orders.setdefault(order.key, order)

    def send(self, order: Order) -> None:
        self.done.append(("sent", order.key))

    def place(self, request: OrderRequest) -> Order:
        intake = OrderIntake(self, self, self, Schedule(timedelta(minutes=30)))
        return intake.place_order(request, "customer", "key", "correlation", NOW)


def request(**quantities: int) -> OrderRequest:
    lines = [{"sku": sku.replace("_", "-"), "quantity": quantity} for sku, quantity in quantities.items()]
    return parse_order_request(json.dumps({"lines": lines}).encode())


ASKED = {"MUG_001": 2, "POT_001": 1}


def test_an_order_is_stored_with_its_prices_and_then_sent() -> None:
    shop = Shop()

    order = shop.place(request(**ASKED))

    assert (
        order
        == shop.orders[KEY]
        == Order(
            key=KEY,
            lines=(
                Line("MUG-001", "Name of MUG-001", 2, Money(1000, "EUR")),
                Line("POT-001", "Name of POT-001", 1, Money(2500, "EUR")),
            ),
            request_hash=request(**ASKED).hash,
            correlation_id="correlation",
            accepted_at=NOW,
            updated_at=NOW,
            review_at=NOW + timedelta(minutes=30),
        )
    )
    assert shop.done == ["accepted", ("sent", KEY)]


@pytest.mark.parametrize("status", Status)
def test_a_repeated_request_finds_the_order_and_sends_it_while_it_is_pending(status: Status) -> None:
    first = replace(ORDER, key=KEY, request_hash=request(**ASKED).hash, status=status)
    shop = Shop(first)

    assert shop.place(request(**ASKED)) == first

    assert shop.done == ["accepted"] + [("sent", KEY)] * (status is Status.PENDING)


def test_a_repeated_request_finds_the_order_though_a_product_has_left_the_catalogue() -> None:
    first = replace(ORDER, key=KEY, request_hash=request(GONE_001=1).hash)

    assert Shop(first).place(request(GONE_001=1)) == first


@pytest.mark.parametrize(
    ("orders", "asked", "detail"),
    [
        (
            [],
            {"UNICORN_1": 1, "MUG_001": 1, "GHOST_1": 1},
            "Not in the catalogue: GHOST-1, UNICORN-1. `GET /products` lists what there is.",
        ),
        (
            [],
            {"MUG_001": 1, "SAMOVAR_1": 1},
            "The products have prices in different currencies. Place one order for each currency.",
        ),
        (
            [replace(ORDER, key=KEY)],
            ASKED,
            "This `Idempotency-Key` or `reference` was used for an order with other content. "
            "Use a new key for a new order.",
        ),
    ],
)
def test_an_order_that_cannot_be_placed_is_not_sent(orders: list[Order], asked: dict[str, int], detail: str) -> None:
    shop = Shop(*orders)

    with pytest.raises(Unprocessable) as refused:
        shop.place(request(**asked))

    assert refused.value.detail == detail
    assert ("sent", KEY) not in shop.done
