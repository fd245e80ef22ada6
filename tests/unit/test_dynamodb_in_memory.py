"""DynamoDB in memory and moto's: the stores cannot tell one from the other, whatever they do."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from storefront.catalog.store import ProductStore
from storefront.orders.order import Line, Order, OrderKey
from storefront.orders.order_store import OrderStore
from storefront.orders.review_list import ReviewList
from storefront.orders.status import Reason
from storefront.partners.outcome import OutcomeKey
from storefront.partners.outcome_store import OutcomeStore
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.money import Money
from tests.support.dynamodb import Tables
from tools.testing.aws import Aws

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PRODUCTS = {"MUG-001": 3, "TEA-001": 1}
KEYS = [OrderKey("anna", "ord-1"), OrderKey("anna", "ord-2"), OrderKey("ben", "ord-1")]
OUTCOMES = [OutcomeKey("partner1", "ref-1"), OutcomeKey("partner1", "ref-2")]


@dataclass
class Stores:
    """All stores on one DynamoDB, and what they have returned last of each order."""

    orders: OrderStore
    reviews: ReviewList
    products: ProductStore
    outcomes: OutcomeStore
    seen: list[Order]

    @classmethod
    def on(cls, dynamodb: Any) -> "Stores":
        orders = os.environ["ORDERS_TABLE"]
        products, outcomes = os.environ["PRODUCTS_TABLE"], os.environ["PARTNER_ORDERS_TABLE"]
        for sku, stock in PRODUCTS.items():
            texts = {"sku": sku, "name": sku, "description": "", "category": "kitchen", "currency": "EUR"}
            item = {name: {"S": text} for name, text in texts.items()}
            dynamodb.put_item(TableName=products, Item=item | {"price": {"N": "100"}, "stock": {"N": str(stock)}})
        return cls(
            OrderStore(dynamodb, orders, products),
            ReviewList(dynamodb, orders),
            ProductStore(dynamodb, products),
            OutcomeStore(dynamodb, outcomes),
            [],
        )

    def change(self, number: int, change: Callable[[OrderStore, Order], Order]) -> Order | None:
        """Change an order from any state in which it was ever seen."""
        return self._see(change(self.orders, self.seen[number % len(self.seen)])) if self.seen else None

    def accept(self, order: Order) -> Order:
        return self._see(self.orders.accept(order))

    def _see(self, order: Order) -> Order:
        self.seen.append(order)
        return order


def _after(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def _order(key: OrderKey, quantities: dict[str, int], review_after: int) -> Order:
    lines = tuple(Line(sku, sku, quantity, Money(100, "EUR")) for sku, quantity in quantities.items())
    return Order(key, lines, "hash", "correlation", NOW, NOW, _after(review_after))


_quantities = st.dictionaries(st.sampled_from([*PRODUCTS, "GONE-001"]), st.integers(1, 2), min_size=1)
_changes: list[Callable[[OrderStore, Order], Order]] = [
    OrderStore.reserve,
    lambda store, order: store.await_payment(order, "ch-1"),
    lambda store, order: store.confirm(order, "ch-1"),
    lambda store, order: store.reject(order, Reason.PAYMENT_DECLINED),
    lambda store, order: store.reject(order, Reason.PAYMENT_UNAVAILABLE, refund_due=True),
    OrderStore.refunded,
    lambda store, order: store.owe_refund(order, "evt-1"),
    lambda store, order: store.postpone(order, _after(3)),
]
_calls: st.SearchStrategy[Callable[[Stores], Any]] = st.one_of(
    st.builds(
        lambda order: lambda stores: stores.accept(order),
        st.builds(_order, st.sampled_from(KEYS), _quantities, st.integers(0, 4)),
    ),
    st.builds(
        lambda number, change: lambda stores: stores.change(number, change),
        st.integers(0, 5),
        st.sampled_from(_changes),
    ),
    st.builds(lambda key: lambda stores: stores.orders.get(key), st.sampled_from(KEYS)),
    st.builds(
        lambda minutes: (
            lambda stores: {order.key: order for order in stores.reviews.due(NOW + timedelta(minutes=minutes))}
        ),
        st.integers(0, 4),
    ),
    st.builds(
        lambda minutes: lambda stores: stores.reviews.count_unsettled(_after(minutes)),
        st.integers(0, 1),
    ),
    st.builds(lambda skus: lambda stores: stores.products.get_many(skus), st.just([*PRODUCTS, "GONE-001"])),
    st.builds(lambda key: lambda stores: stores.outcomes.accept(key, "ord-1"), st.sampled_from(OUTCOMES)),
    st.builds(lambda key: lambda stores: stores.outcomes.refuse(key, "no"), st.sampled_from(OUTCOMES)),
    st.builds(lambda key: lambda stores: stores.outcomes.get(key), st.sampled_from(OUTCOMES)),
)


def _outcome(call: Callable[[Stores], Any], stores: Stores) -> Any:
    try:
        return call(stores)
    except Exception as error:
        return type(error)


@settings(max_examples=40)
@given(st.lists(_calls, min_size=10, max_size=25))
def test_the_stores_cannot_tell_one_from_the_other(calls: list[Callable[[Stores], Any]]) -> None:
    tables, in_memory = Tables(), client("dynamodb")
    in_memory._make_api_call = tables.perform
    with mock_aws(), mock.patch.object(clock, "now", lambda: NOW):
        aws = Aws.create()
        ours, motos = Stores.on(in_memory), Stores.on(aws.dynamodb)
        for call in calls:
            assert _outcome(call, ours) == _outcome(call, motos)
        for name, table in tables.tables.items():
            assert table.items() == {table.key_of(item): item for item in aws.dynamodb.scan(TableName=name)["Items"]}
