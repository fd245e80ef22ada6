"""Each write of the orders table, alone: the order that it leaves, the stock that it moves, and what refuses it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storefront.orders.order import Order, OrderKey, Refund, is_order_id, order_id_of
from storefront.orders.order_item import item_of, key_of
from storefront.orders.order_store import OrderStore
from storefront.orders.processing import OrderMovedOn, OutOfStock
from storefront.orders.review_list import ReviewList
from storefront.orders.status import IllegalTransition, Reason, Status, check_transition
from storefront.orders.stock import StockRefused
from storefront.shared import clock
from storefront.shared.errors import NotFound
from tests.support.dynamodb import Tables
from tests.unit.orders.test_order_item import ORDER

NOW, LATER = datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)
KEY = OrderKey("customer", order_id_of("customer", "key"))
ORDERS, PRODUCTS = os.environ["ORDERS_TABLE"], os.environ["PRODUCTS_TABLE"]
NEW = replace(
    ORDER, key=KEY, status=Status.PENDING, version=1, reviews=0, charge_id=None, rejection_reason=None,
    refund_due=False, refund_event_id=None, refund=None,
)  # fmt: skip
RESERVED = replace(NEW, status=Status.RESERVED, version=2, reviews=2)
AWAITING = replace(RESERVED, status=Status.AWAITING_PAYMENT, charge_id="ch-1")
CONFIRMED = replace(AWAITING, status=Status.CONFIRMED, review_at=None)
REFUND = Refund("refund-1", "sue", "Broken on arrival.")
REJECTED = replace(RESERVED, status=Status.REJECTED, rejection_reason=Reason.PAYMENT_UNAVAILABLE, refund_due=True)
TAKEN, GIVEN_BACK = {"MUG-001": 3, "POT-001": 4}, {"MUG-001": 7, "POT-001": 6}
STOCK = {"MUG-001": 5, "POT-001": 5}


class Client:
    """A client of DynamoDB in memory."""

    def __init__(self) -> None:
        self.tables = Tables()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        name = "".join(part.capitalize() for part in operation.split("_"))
        return lambda **parameters: self.tables.perform(name, parameters)

    def get_paginator(self, operation: str) -> Any:
        return Pages(getattr(self, operation))

    def put(self, *orders: Order) -> None:
        for order in orders:
            self.put_item(TableName=ORDERS, Item=item_of(order))

    def stock(self) -> dict[str, int]:
        items = self.tables.tables[PRODUCTS].items().values()
        return {item["sku"]["S"]: int(item["stock"]["N"]) for item in items}


class Pages:
    def __init__(self, operation: Callable[..., Any]) -> None:
        self._operation = operation

    def paginate(self, **parameters: Any) -> Iterator[Any]:
        yield self._operation(**parameters)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    made = Client()
    for sku, stock in STOCK.items():
        made.put_item(TableName=PRODUCTS, Item={"sku": {"S": sku}, "stock": {"N": str(stock)}})
    return made


@pytest.fixture
def store(client: Client) -> OrderStore:
    return OrderStore(client, ORDERS, PRODUCTS)  # type: ignore[arg-type]


Write = Callable[[OrderStore, Order], Order]


@pytest.mark.parametrize(
    ("read", "write", "changes", "stock"),
    [
        (NEW, lambda store, order: store.reserve(order), {"status": Status.RESERVED}, TAKEN),
        (
            RESERVED,
            lambda store, order: store.await_payment(order, "ch-2"),
            {"status": Status.AWAITING_PAYMENT, "charge_id": "ch-2", "reviews": 0},
            STOCK,
        ),
        (
            AWAITING,
            lambda store, order: store.confirm(order, "ch-2"),
            {"status": Status.CONFIRMED, "charge_id": "ch-2", "review_at": None},
            STOCK,
        ),
        (
            NEW,
            lambda store, order: store.reject(order, Reason.OUT_OF_STOCK),
            {"status": Status.REJECTED, "rejection_reason": Reason.OUT_OF_STOCK, "review_at": None},
            STOCK,
        ),
        (
            AWAITING,
            lambda store, order: store.reject(order, Reason.PAYMENT_DECLINED),
            {"status": Status.REJECTED, "rejection_reason": Reason.PAYMENT_DECLINED, "review_at": None},
            GIVEN_BACK,
        ),
        (
            RESERVED,
            lambda store, order: store.reject(order, Reason.PAYMENT_UNAVAILABLE, refund_due=True),
            {"status": Status.REJECTED, "rejection_reason": Reason.PAYMENT_UNAVAILABLE, "refund_due": True},
            GIVEN_BACK,
        ),
        (REJECTED, lambda store, order: store.refunded(order), {"refund_due": False, "review_at": None}, STOCK),
        (
            replace(REJECTED, refund_due=False, review_at=None),
            lambda store, order: store.owe_refund(order, "evt-2"),
            {"refund_due": True, "refund_event_id": "evt-2", "review_at": NOW},
            STOCK,
        ),
        (
            CONFIRMED,
            lambda store, order: store.claim_refund(order, REFUND, LATER),
            {"refund": REFUND, "review_at": LATER},
            STOCK,
        ),
        (
            replace(CONFIRMED, refund=REFUND, review_at=LATER),
            lambda store, order: store.complete_refund(order),
            {"status": Status.REFUNDED, "review_at": None},
            GIVEN_BACK,
        ),
        (
            replace(CONFIRMED, refund=REFUND, review_at=LATER),
            lambda store, order: store.fail_refund(order),
            {"status": Status.REFUND_FAILED, "review_at": None},
            STOCK,
        ),
        (RESERVED, lambda store, order: store.postpone(order, LATER), {"reviews": 3, "review_at": LATER}, STOCK),
        (RESERVED, lambda store, order: store.defer(order, LATER), {"review_at": LATER}, STOCK),
    ],
)
def test_a_write_leaves_the_order_and_the_stock(
    client: Client, store: OrderStore, read: Order, write: Write, changes: dict[str, Any], stock: dict[str, int]
) -> None:
    client.put(read)

    written = write(store, read)

    assert written == store.get(KEY) == replace(read, version=read.version + 1, updated_at=NOW, **changes)
    assert client.stock() == stock
    # Nobody writes over what somebody else has written since.
    with pytest.raises((OrderMovedOn, IllegalTransition), match=rf"^{KEY.order_id}$|->"):
        write(store, read)
    assert store.get(KEY) == written


def test_an_order_is_accepted_once(client: Client, store: OrderStore) -> None:
    assert store.accept(NEW) == NEW
    assert store.accept(replace(NEW, request_hash="another")) == NEW
    assert store.get(KEY) == NEW
    with pytest.raises(IllegalTransition, match=r"^None -> RESERVED$"):
        store.accept(RESERVED)


def test_stock_that_is_not_there_is_not_taken(client: Client, store: OrderStore) -> None:
    client.put(NEW)
    client.put_item(TableName=PRODUCTS, Item={"sku": {"S": "POT-001"}, "stock": {"N": "0"}})

    with pytest.raises(OutOfStock, match=f"^{KEY.order_id}$"):
        store.reserve(NEW)

    assert store.get(KEY) == NEW
    assert client.stock() == {"MUG-001": 5, "POT-001": 0}


def test_the_stock_of_a_product_that_is_gone_is_not_given_back(client: Client, store: OrderStore) -> None:
    client.put(RESERVED)
    del client.tables.tables[PRODUCTS].states[-1][("MUG-001",)]

    rejected = store.reject(RESERVED, Reason.PAYMENT_DECLINED)

    assert rejected == store.get(KEY)
    assert rejected.status is Status.REJECTED
    assert client.stock() == {"POT-001": 6}


def test_an_order_is_its_customer_s(client: Client, store: OrderStore) -> None:
    client.put(NEW)
    others = [replace(KEY, customer_id="another"), replace(KEY, order_id=order_id_of("customer", "another"))]

    assert store.get_own(KEY) == NEW
    assert store.has(KEY)
    assert [store.get(key) for key in others] == [None, None]
    assert not any(store.has(key) for key in others)
    for key in others:
        with pytest.raises(NotFound):
            store.get_own(key)


def test_what_cannot_be_an_order_s_id_is_not_looked_up() -> None:
    with pytest.raises(NotFound):
        OrderStore(None, ORDERS).get_own(replace(KEY, order_id="x" * 5_000))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "ord-", "ord-1", f"x{KEY.order_id}", f"{KEY.order_id}\n", KEY.order_id.upper()])
def test_an_order_s_id_has_one_shape(text: str) -> None:
    assert is_order_id(KEY.order_id)
    assert order_id_of("customer", "key") == "ord-y75xad2e3awpxecogtpwssme22j3s3bf", "always the same one"
    assert not is_order_id(text)


def test_a_conflict_with_others_names_what_it_is_about() -> None:
    with pytest.raises(IllegalTransition, match=r"^CONFIRMED -> REJECTED$"):
        check_transition(Status.CONFIRMED, Status.REJECTED)
    assert StockRefused(["MUG-001", "POT-001"]).skus == ["MUG-001", "POT-001"]
    assert str(StockRefused(["MUG-001", "POT-001"])) == "MUG-001, POT-001"


def due_at(number: int, review_at: datetime | None, accepted_at: datetime = NOW) -> Order:
    key = replace(KEY, order_id=order_id_of("customer", str(number)))
    return replace(NEW, key=key, review_at=review_at, accepted_at=accepted_at)


def test_an_order_is_due_from_the_time_of_its_review_on(client: Client) -> None:
    reviews = ReviewList(client, ORDERS)  # type: ignore[arg-type]
    orders = [due_at(number, NOW + timedelta(minutes=number)) for number in range(-9, 9)]
    client.put(*orders, due_at(99, None))

    assert sorted(order.review_at for order in reviews.due(NOW) if order.review_at) == [
        order.review_at for order in orders[:10]
    ]


def test_an_order_that_an_index_shows_late_is_not_due(client: Client) -> None:
    client.put(due_at(1, NOW), due_at(2, NOW))
    moved_on = due_at(1, LATER)
    late = client.query

    class Lagging(Client):
        def query(self, **parameters: Any) -> Any:
            return late(**parameters)

    lagging = Lagging()
    lagging.put(moved_on, due_at(2, NOW))

    assert list(ReviewList(lagging, ORDERS).due(NOW)) == [due_at(2, NOW)]  # type: ignore[arg-type]


def test_an_order_that_cannot_be_read_keeps_no_other_from_its_review(client: Client) -> None:
    client.put(*(due_at(number, NOW) for number in range(20)))
    broken = item_of(due_at(7, NOW)) | {"lines": {"NULL": True}}
    client.put_item(TableName=ORDERS, Item=broken)

    assert len(list(ReviewList(client, ORDERS).due(NOW))) == 19  # type: ignore[arg-type]


def test_orders_count_as_unsettled_by_the_time_of_their_acceptance(client: Client) -> None:
    client.put(*(due_at(number, LATER, NOW + timedelta(minutes=number)) for number in range(-9, 9)), due_at(99, None))

    assert ReviewList(client, ORDERS).count_unsettled(NOW) == 9  # type: ignore[arg-type]


def test_an_order_s_key_is_its_customer_and_its_id() -> None:
    assert key_of(OrderKey("ada", "ord-1")) == {"customerId": {"S": "ada"}, "orderId": {"S": "ord-1"}}
