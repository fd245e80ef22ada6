"""Refunds: the money and the stock back once, whatever happens in between, and who and why on the order."""

import json
from datetime import timedelta
from typing import Any

import pytest

from storefront.orders import refund_order
from storefront.orders.order import Order, Refund
from storefront.orders.status import Status
from storefront.payments.charge import PaymentUnresolved
from storefront.shared import clock
from tests.support.faults import Crash, crash, every_position
from tests.support.state_machine import Execution
from tests.unit.orders.shop import Shop
from tools.testing.events import Context

BY, REASON = "5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e12", "arrived broken"


@pytest.fixture(autouse=True)
def _tasks_of_the_shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    take(shop, monkeypatch)


def take(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the function's tasks use a shop's clients."""
    monkeypatch.setattr(refund_order, "_orders", shop.orders)
    monkeypatch.setattr(refund_order, "_payments", shop.payments)


@pytest.fixture
def order(shop: Shop) -> Order:
    """A confirmed order."""
    placed = shop.place(shop.sell("MUG-001"), quantity=2)
    return shop.process(placed.key)


def execution(order: Order, key: str = "key-1", **changes: Any) -> Execution:
    request = {"orderId": order.key.order_id, "customerId": order.key.customer_id, "reason": REASON, "by": BY}
    return Execution(f"{order.key.order_id}-{key}", request | {"correlationId": "correlation"} | changes)


def call(event: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(json.dumps(refund_order.handler(event, Context())))  # type: ignore[arg-type]
    return answer


def charge(shop: Shop, order: Order) -> str:
    return shop.aws.charges()[order.key.order_id][0]


def test_a_refund_gives_back_the_money_and_the_stock_and_says_who_and_why(shop: Shop, order: Order) -> None:
    refund = execution(order)

    refund.run(call)

    assert (refund.status, refund.output) == ("SUCCEEDED", {"outcome": "REFUNDED"})
    refunded = shop.read(order.key)
    assert (refunded.status, refunded.refund) == (Status.REFUNDED, Refund(refund.name, BY, REASON))
    assert charge(shop, order) == "cancelled"
    assert shop.aws.stock("MUG-001") == shop.products["MUG-001"]
    shop.check_invariant()


@pytest.mark.parametrize("key", ["key-1", "key-2"], ids=["the same key after 90 days", "another key"])
def test_a_refunded_order_is_not_refunded_again(shop: Shop, order: Order, key: str) -> None:
    execution(order).run(call)
    before = shop.read(order.key)

    again = execution(order, key)
    again.run(call)

    assert (again.output, shop.read(order.key)) == ({"outcome": "REFUNDED"}, before)
    shop.check_invariant()


def test_a_claimed_order_is_not_for_another_refund(shop: Shop, order: Order) -> None:
    first, second = execution(order, "key-1"), execution(order, "key-2")
    first.ended(call(first.event))

    second.run(call)

    assert second.output == {"outcome": "ANOTHER_REFUND"}
    first.run(call)
    assert shop.read(order.key).refund == Refund(first.name, BY, REASON)
    shop.check_invariant()


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED])
def test_only_a_confirmed_order_is_refunded(shop: Shop, status: Status) -> None:
    sku = shop.sell("MUG-001", price=1001)
    placed = shop.place(sku, quantity=1)
    if status is Status.REJECTED:
        shop.process(placed.key)
    refund = execution(placed)

    refund.run(call)

    assert (refund.output, shop.status(placed)) == ({"outcome": "NOT_REFUNDABLE"}, status)
    shop.check_invariant()


@pytest.mark.parametrize("changes", [{"customerId": "another"}, {"orderId": "ord-" + "a" * 32}])
def test_another_customers_order_is_not_found(shop: Shop, order: Order, changes: dict[str, str]) -> None:
    refund = execution(order, **changes)

    refund.run(call)

    assert (refund.output, shop.status(order)) == ({"outcome": "UNKNOWN_ORDER"}, Status.CONFIRMED)


def test_a_provider_that_never_answers_fails_the_refund_and_another_key_starts_again(
    shop: Shop, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    working, failed = shop.payments, execution(order, "key-1")
    monkeypatch.setattr(refund_order, "_payments", Unreachable())

    failed.run(call)

    assert failed.status == "FAILED"
    assert failed.put_aside == {"refundId": failed.name, "request": failed.request}
    assert shop.status(order) is Status.REFUND_FAILED
    assert shop.read(order.key).refund_in_progress is None
    shop.check_invariant()
    # when support tries again
    monkeypatch.setattr(refund_order, "_payments", working)
    repeated, again = execution(order, "key-1"), execution(order, "key-2")
    repeated.run(call)
    assert repeated.output == {"outcome": "REFUND_FAILED"}
    again.run(call)
    assert (again.output, shop.status(order)) == ({"outcome": "REFUNDED"}, Status.REFUNDED)
    shop.check_invariant()


class Unreachable:
    """A provider that does not answer."""

    def cancel(self, order: Order) -> None:
        raise PaymentUnresolved("no answer")


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_crash_at_any_call_leaves_a_refund_that_is_completed_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    sku = shop.sell("MUG-001")
    for number, trigger in enumerate(every_position(crash, after=after)):
        order = shop.process(shop.place(sku, key=f"key-{number}").key)
        take(shop.watched_by(trigger), monkeypatch)
        refund = execution(order)

        def crashing(event: dict[str, Any]) -> dict[str, Any]:
            try:
                return call(event)
            except Crash:
                raise RuntimeError("killed") from None

        refund.run(crashing)

        assert refund.output == {"outcome": "REFUNDED"}, trigger
        assert charge(shop, order) == "cancelled"
        shop.check_invariant()


@pytest.mark.parametrize("tasks", range(3))
def test_a_refund_that_is_stopped_ends_with_the_reconciler(shop: Shop, order: Order, tasks: int) -> None:
    stopped = execution(order)
    for _ in range(tasks):
        stopped.ended(call(stopped.event))
    stopped.stop()

    shop.reconcile(after=timedelta(minutes=19))
    claimed = shop.read(order.key).refund_in_progress
    shop.reconcile(after=timedelta(minutes=21))

    assert (claimed is not None) == (tasks > 0)
    assert shop.status(order) is (Status.REFUND_FAILED if tasks else Status.CONFIRMED)
    assert list(shop.reviews.due(clock.now() + timedelta(days=365))) == []
    shop.check_invariant()
    # A task that has outlived its execution changes nothing.
    late = call({**stopped.event, "task": "complete"})
    assert late["outcome"] in ("REFUND_FAILED", "UNCLAIMED")
    shop.check_invariant()


def test_what_a_deleted_product_had_goes_nowhere_and_the_rest_comes_back(shop: Shop, order: Order) -> None:
    shop.aws.dynamodb.delete_item(TableName="ProductsTable", Key={"sku": {"S": "MUG-001"}})
    refund = execution(order)

    refund.run(call)

    assert (refund.output, charge(shop, order)) == ({"outcome": "REFUNDED"}, "cancelled")


def test_a_reason_shows_nothing_but_text(shop: Shop, order: Order) -> None:
    execution(order, reason="broken\x1b[31m\u202e").run(call)

    refund = shop.read(order.key).refund
    assert refund and refund.reason.startswith("broken")
    assert "\x1b" not in refund.reason and "\u202e" not in refund.reason


def test_the_customer_sees_neither_who_nor_why(shop: Shop, order: Order) -> None:
    execution(order).run(call)

    shown = json.dumps(shop.read(order.key).to_json())

    assert '"status": "REFUNDED"' in shown
    assert BY not in shown and REASON not in shown
