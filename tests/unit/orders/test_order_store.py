"""The orders table under DynamoDB's errors."""

from collections import Counter
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from storefront.orders.order import Order, OrderKey, order_id_of
from storefront.orders.order_item import item_of
from storefront.orders.order_list import OrderList
from storefront.orders.order_store import OrderStore
from storefront.orders.processing import OrderMovedOn, OutOfStock
from storefront.orders.status import IllegalTransition, Reason, Status
from storefront.shared import paging
from storefront.shared.errors import NotFound, Overloaded
from tests.support.faults import Failing, aws_error, transaction_cancelled
from tests.unit.orders.shop import Shop


@pytest.fixture
def order(shop: Shop) -> Order:
    return shop.place(shop.sell("MUG-001"), quantity=2)


def failing(shop: Shop, operation: str, error: Exception, times: int) -> tuple[OrderStore, Failing]:
    client = Failing(shop.aws.dynamodb, operation, error, times)
    return OrderStore(client, "OrdersTable", "ProductsTable"), client  # type: ignore[arg-type]


def test_a_transaction_that_meets_another_is_tried_again(shop: Shop, order: Order) -> None:
    store, client = failing(shop, "transact_write_items", transaction_cancelled("None", "TransactionConflict"), 2)

    reserved = store.reserve(order)

    assert (reserved.status, client.left) == (Status.RESERVED, 0)
    shop.check_invariant()


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_always_meets_others_is_a_failure_for_now(shop: Shop, order: Order, code: str) -> None:
    store, _ = failing(shop, "transact_write_items", transaction_cancelled("None", code), 99)

    with pytest.raises(Overloaded):
        store.reserve(order)

    assert shop.status(order) is Status.PENDING
    shop.check_invariant()


@pytest.mark.parametrize(
    ("reasons", "meaning"),
    [
        (("None", "ConditionalCheckFailed"), OutOfStock),
        (("ConditionalCheckFailed", "None"), OrderMovedOn),
        # A processor that has lost the order does not touch the stock.
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), OrderMovedOn),
        (("TransactionConflict", "ConditionalCheckFailed"), OutOfStock),
        (("None", "ValidationError"), ClientError),
    ],
)
def test_what_the_reasons_of_a_cancelled_transaction_mean(
    shop: Shop, order: Order, reasons: tuple[str, ...], meaning: type[Exception]
) -> None:
    store, client = failing(shop, "transact_write_items", transaction_cancelled(*reasons), 99)

    with pytest.raises(meaning):
        store.reserve(order)

    assert client.left == 98, "it was not tried again"


@pytest.mark.parametrize("operation", ["get_item", "transact_write_items", "update_item"])
def test_throttling_fails_the_message_and_the_next_delivery_makes_it_good(
    shop: Shop, order: Order, operation: str
) -> None:
    client = Failing(shop.aws.dynamodb, operation, aws_error("ThrottlingException"), 1)
    throttled = Shop(shop.aws, shop.payments_url, dynamodb=client)

    with pytest.raises(ClientError, match="Throttling"):
        throttled.process(order.key)
    processed = throttled.process(order.key)

    assert processed.status is Status.CONFIRMED
    shop.check_invariant()


def test_a_write_on_an_old_version_is_refused(shop: Shop, order: Order) -> None:
    shop.orders.reserve(order)

    with pytest.raises(OrderMovedOn):
        shop.orders.reject(order, Reason.PROCESSING_FAILED)
    with pytest.raises(OrderMovedOn):
        shop.orders.reserve(order)


def test_a_transition_that_is_not_in_the_table_is_refused(shop: Shop, order: Order) -> None:
    with pytest.raises(IllegalTransition):
        shop.orders.confirm(order, "ch-1")

    confirmed = shop.orders.confirm(shop.orders.reserve(order), "ch-1")
    with pytest.raises(IllegalTransition):
        shop.orders.reject(confirmed, Reason.PAYMENT_DECLINED)


def test_what_another_version_of_the_code_has_written_stays(shop: Shop, order: Order) -> None:
    shop.aws.dynamodb.update_item(
        TableName="OrdersTable",
        Key={"customerId": {"S": order.key.customer_id}, "orderId": {"S": order.key.order_id}},
        UpdateExpression="SET giftMessage = :text",
        ExpressionAttributeValues={":text": {"S": "from the next release"}},
    )

    shop.process(order.key)

    assert shop.aws.orders()[0]["giftMessage"] == {"S": "from the next release"}


def test_an_order_reads_back_as_it_was_written(shop: Shop, order: Order) -> None:
    assert shop.orders.get(order.key) == order

    rejected = shop.orders.reject(shop.orders.reserve(order), Reason.PAYMENT_UNAVAILABLE, refund_due=True)

    assert shop.orders.get(order.key) == rejected


def test_an_order_is_rejected_though_its_product_is_gone_and_no_product_comes_back(shop: Shop, order: Order) -> None:
    reserved = shop.orders.reserve(order)
    shop.aws.dynamodb.delete_item(TableName="ProductsTable", Key={"sku": {"S": "MUG-001"}})

    rejected = shop.orders.reject(reserved, Reason.PAYMENT_DECLINED)

    assert shop.status(order) is rejected.status is Status.REJECTED
    assert shop.aws.dynamodb.scan(TableName="ProductsTable")["Items"] == []


def test_another_customers_order_is_not_found(shop: Shop, order: Order) -> None:
    with pytest.raises(NotFound) as anothers:
        shop.orders.get_own(replace(order.key, customer_id="somebody else"))
    with pytest.raises(NotFound) as nobodys:
        shop.orders.get_own(replace(order.key, order_id="ord-none"))

    assert str(anothers.value) == str(nobodys.value)


def test_pages_show_ones_own_orders_newest_first_each_once(shop: Shop) -> None:
    sku = shop.sell("MUG-001")
    placed = [shop.place(sku, key=f"key-{number}") for number in range(5)]
    shop.place(sku, customer="somebody else")

    order_list = OrderList(shop.dynamodb, "OrdersTable")

    seen: list[Order] = []
    after: paging.Key | None = None
    while True:
        page = order_list.page("customer", 2, after)
        assert len(page.items) <= 2
        seen += page.items
        if page.last_key is None:
            break
        after = page.last_key

    assert {order.key.order_id for order in seen} == {order.key.order_id for order in placed}
    assert len(seen) == len(placed)
    assert [order.accepted_at for order in seen] == sorted((order.accepted_at for order in seen), reverse=True)


def test_a_write_that_meets_a_transaction_is_made_after_it(
    shop: Shop, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    reserved = shop.orders.reserve(order)
    conflict = aws_error("TransactionConflictException")
    updating, updates = failing(shop, "update_item", conflict, 2)
    accepting, puts = failing(shop, "put_item", conflict, 2)

    assert updating.confirm(reserved, "ch-1").status is Status.CONFIRMED
    assert accepting.accept(order).status is Status.CONFIRMED

    assert (updates.left, puts.left) == (0, 0)


def test_orders_to_review_are_spread_over_partitions(order: Order) -> None:
    """One partition would cap all orders at its writes a second."""
    ids = [order_id_of("customer", str(number)) for number in range(200)]

    shards = Counter(
        int(item_of(replace(order, key=OrderKey("customer", order_id)))["reviewShard"]["N"]) for order_id in ids
    )

    assert len(shards) >= 4
    assert max(shards.values()) < len(ids) / 2
