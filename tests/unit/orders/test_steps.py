"""Each step of an order, alone: the calls that it makes of the table, the provider and the queue, in their order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from storefront.orders.order import Order
from storefront.orders.processing import OrderMovedOn, OutOfStock, UnknownOrder, process_order
from storefront.orders.reconciliation import defer_review, reconcile_order
from storefront.orders.schedule import Schedule
from storefront.orders.status import Reason, Status
from storefront.payments.charge import Charge, Decision
from tests.unit.orders.test_order_item import ORDER

NOW = datetime(2026, 1, 3, tzinfo=UTC)
SCHEDULE = Schedule(timedelta(minutes=30))
PENDING = replace(ORDER, status=Status.PENDING, reviews=0, refund_due=False, charge_id=None, rejection_reason=None)
RESERVED = replace(PENDING, status=Status.RESERVED)
AWAITING = replace(PENDING, status=Status.AWAITING_PAYMENT)
APPROVED, DECLINED = Charge("ch-1", Decision.APPROVED), Charge("ch-1", Decision.DECLINED)
UNDECIDED = Charge("ch-1", Decision.UNDECIDED)
CONFIRM, AWAIT = ("confirm", "ch-1"), ("await_payment", "ch-1")
DECLINE, NO_STOCK = ("reject", Reason.PAYMENT_DECLINED, False), ("reject", Reason.OUT_OF_STOCK, False)
FAIL, GIVE_UP = ("reject", Reason.PROCESSING_FAILED, False), ("reject", Reason.PAYMENT_UNAVAILABLE, True)
REFUND = [("cancel",), ("refunded",)]
LAST = Schedule.LOOKS - 1


class World:
    """The orders table, the provider and the queue, which keep what they are asked for.

    Parameters
    ----------
    order
        The order in the table.
    found
        The charge that the provider has; the one it makes is `made`.
    moved_on
        The write that somebody else's change comes before, once.
    """

    def __init__(
        self, order: Order | None, found: Charge | None = None, made: Charge = APPROVED, **faults: Any
    ) -> None:
        self.order = order
        self._found, self._made = found, made
        self._moved_on: str | None = faults.get("moved_on")
        self._in_stock = faults.get("in_stock", True)
        self.calls: list[tuple[Any, ...]] = []

    def get(self, key: Any) -> Order | None:
        assert key == ORDER.key
        return self.order

    def reserve(self, order: Order) -> Order:
        if not self._in_stock:
            raise OutOfStock
        return self._write(order, ("reserve",), status=Status.RESERVED)

    def await_payment(self, order: Order, charge_id: str) -> Order:
        return self._write(order, ("await_payment", charge_id), status=Status.AWAITING_PAYMENT)

    def confirm(self, order: Order, charge_id: str) -> Order:
        return self._write(order, ("confirm", charge_id), status=Status.CONFIRMED)

    def reject(self, order: Order, reason: Reason, *, refund_due: bool = False) -> Order:
        return self._write(order, ("reject", reason, refund_due), status=Status.REJECTED, refund_due=refund_due)

    def refunded(self, order: Order) -> Order:
        return self._write(order, ("refunded",), refund_due=False)

    def fail_refund(self, order: Order) -> Order:
        return self._write(order, ("fail_refund",), status=Status.REFUND_FAILED)

    def postpone(self, order: Order, review_at: datetime) -> Order:
        return self._write(order, ("postpone", review_at), reviews=order.reviews + 1, review_at=review_at)

    def defer(self, order: Order, review_at: datetime) -> Order:
        return self._write(order, ("defer", review_at), review_at=review_at)

    def charge(self, order: Order) -> Charge:
        return self._asked(order, "charge", self._made)

    def look_up(self, order: Order) -> Charge | None:
        return self._asked(order, "look_up", self._found)

    def cancel(self, order: Order) -> None:
        self._asked(order, "cancel", None)

    def send(self, order: Order) -> None:
        self._asked(order, "send", None)

    def _asked(self, order: Order, operation: str, answer: Any) -> Any:
        assert order == self.order, "as it is in the table"
        self.calls.append((operation,))
        return answer

    def _write(self, order: Order, call: tuple[Any, ...], **changes: Any) -> Order:
        if call[0] == self._moved_on:
            self._moved_on = None
            raise OrderMovedOn
        assert order == self.order, "as it is in the table"
        self.calls.append(call)
        self.order = replace(order, **changes)
        return self.order


@pytest.mark.parametrize(
    ("made", "calls"),
    [
        (partial(World, PENDING), [("reserve",), ("charge",), CONFIRM]),
        (partial(World, PENDING, made=DECLINED), [("reserve",), ("charge",), DECLINE]),
        (partial(World, PENDING, made=UNDECIDED), [("reserve",), ("charge",), AWAIT]),
        (partial(World, PENDING, in_stock=False), [NO_STOCK]),
        (partial(World, RESERVED), [("look_up",), ("charge",), CONFIRM]),
        (partial(World, RESERVED, found=DECLINED), [("look_up",), DECLINE]),
        (partial(World, AWAITING, found=APPROVED), []),
        (partial(World, replace(PENDING, status=Status.CONFIRMED)), []),
        (partial(World, ORDER), REFUND),
        (partial(World, replace(ORDER, refund_due=False)), []),
        # Somebody else's change comes first: the order is read again, and looked up where it may have been charged.
        (partial(World, PENDING, moved_on="reserve"), [("reserve",), ("charge",), CONFIRM]),
        (
            partial(World, PENDING, found=APPROVED, moved_on="confirm"),
            [("reserve",), ("charge",), ("look_up",), CONFIRM],
        ),
        (partial(World, ORDER, moved_on="refunded"), [("cancel",), *REFUND]),
    ],
)
def test_the_processor_takes_an_order_as_far_as_it_goes(made: Callable[[], World], calls: list[Any]) -> None:
    world = made()

    assert process_order(ORDER.key, world, world) == world.order

    assert world.calls == calls


def test_an_order_that_is_not_there_cannot_be_processed() -> None:
    world = World(None)

    with pytest.raises(UnknownOrder, match=f"^{ORDER.key.order_id}$"):
        process_order(ORDER.key, world, world)


def again(reviews: int) -> tuple[str, datetime]:
    """Return the write that sets the look after some reviews: each waits four times as long as the one before."""
    return "postpone", NOW + timedelta(minutes=(30, 120, 480, 1920)[reviews])


@pytest.mark.parametrize(
    ("made", "calls"),
    [
        (partial(World, PENDING), [again(1), ("send",)]),
        (partial(World, replace(RESERVED, reviews=LAST - 1)), [again(LAST), ("send",)]),
        (partial(World, replace(PENDING, reviews=LAST)), [FAIL]),
        (partial(World, replace(RESERVED, reviews=LAST), found=APPROVED), [("look_up",), CONFIRM]),
        (partial(World, replace(RESERVED, reviews=LAST)), [("look_up",), GIVE_UP, *REFUND]),
        (partial(World, AWAITING, found=APPROVED), [("look_up",), CONFIRM]),
        (partial(World, AWAITING, found=DECLINED), [("look_up",), DECLINE]),
        (partial(World, AWAITING, found=UNDECIDED), [("look_up",), again(1)]),
        (partial(World, AWAITING), [("look_up",), again(1)]),
        (partial(World, replace(AWAITING, reviews=LAST), found=UNDECIDED), [("look_up",), GIVE_UP, *REFUND]),
        (partial(World, ORDER), REFUND),
        (partial(World, replace(PENDING, status=Status.CONFIRMED)), [("fail_refund",)]),
        # Somebody else moved the order: it is theirs.
        (partial(World, PENDING, moved_on="postpone"), []),
        (partial(World, ORDER, moved_on="refunded"), [("cancel",)]),
    ],
)
def test_the_reconciler_takes_an_order_one_step_further(made: Callable[[], World], calls: list[Any]) -> None:
    world = made()
    assert world.order is not None

    after = reconcile_order(world.order, world, world, world, SCHEDULE, NOW)

    assert after == world.order
    assert world.calls == calls


@pytest.mark.parametrize(("chosen", "minutes"), [(min, 5), (max, 15)])
def test_a_review_that_failed_is_deferred_by_some_minutes(
    monkeypatch: pytest.MonkeyPatch, chosen: Callable[..., float], minutes: int
) -> None:
    monkeypatch.setattr("random.uniform", chosen)
    world = World(PENDING)

    defer_review(PENDING, world, NOW)

    assert world.calls == [("defer", NOW + timedelta(minutes=minutes))]


def test_a_review_that_failed_is_not_deferred_where_somebody_else_moved_the_order() -> None:
    world = World(PENDING, moved_on="defer")

    defer_review(PENDING, world, NOW)

    assert world.calls == []
