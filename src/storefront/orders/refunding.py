"""Refunding a confirmed order: the steps of the state machine in refund.asl.json.

The claim notes on the order who refunds it and why; from then on the order is this refund's alone. A step may run
again, late, or beside itself: each reads where the order stands, and what has been done is not done again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from storefront.orders.order import Order, OrderKey, Refund
from storefront.orders.processing import OrderMovedOn
from storefront.orders.status import Status

# More than an execution has (TimeoutSeconds in refund.asl.json): then the reconciler ends the refund.
REFUND_TIME = timedelta(minutes=20)

_REFUNDABLE = (Status.CONFIRMED, Status.REFUND_FAILED)


class Outcome(StrEnum):
    """Where an order stands for a refund."""

    UNCLAIMED = "UNCLAIMED"
    CLAIMED = "CLAIMED"
    REFUNDED = "REFUNDED"
    REFUND_FAILED = "REFUND_FAILED"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    NOT_REFUNDABLE = "NOT_REFUNDABLE"
    ANOTHER_REFUND = "ANOTHER_REFUND"


class Orders(Protocol):
    """The orders table, as refunds use it: each write is conditional on the version read."""

    def get(self, key: OrderKey) -> Order | None: ...  # noqa: D102
    def claim_refund(self, order: Order, refund: Refund, review_at: datetime) -> Order: ...  # noqa: D102
    def complete_refund(self, order: Order) -> Order: ...  # noqa: D102
    def fail_refund(self, order: Order) -> Order: ...  # noqa: D102


class Payments(Protocol):
    """The payment provider, as refunds use it."""

    def cancel(self, order: Order) -> None: ...  # noqa: D102


def claim(key: OrderKey, refund: Refund, orders: Orders, now: datetime) -> Outcome:
    """Claim a confirmed order for this refund, or say why not; one whose last refund failed can be claimed again."""
    return _moved(
        key, refund, orders, Outcome.UNCLAIMED, lambda order: orders.claim_refund(order, refund, now + REFUND_TIME)
    )


def give_money_back(key: OrderKey, refund: Refund, orders: Orders, payments: Payments) -> Outcome:
    """Have the provider cancel the charge of an order that this refund has claimed.

    Raises
    ------
    PaymentUnresolved
        The provider did not say that it has done so.
    """
    order = orders.get(key)
    outcome = _outcome_of(order, refund)
    if order and outcome is Outcome.CLAIMED:
        payments.cancel(order)
    return outcome


def complete(key: OrderKey, refund: Refund, orders: Orders) -> Outcome:
    """Give the stock back and mark the order refunded; the provider has cancelled its charge."""
    return _moved(key, refund, orders, Outcome.CLAIMED, orders.complete_refund)


def fail(key: OrderKey, refund: Refund, orders: Orders) -> Outcome:
    """End the claim of a refund that cannot be completed."""
    return _moved(key, refund, orders, Outcome.CLAIMED, orders.fail_refund)


def _moved(key: OrderKey, refund: Refund, orders: Orders, from_: Outcome, move: Callable[[Order], Order]) -> Outcome:
    """Move an order that stands where it must for this; return where it stands then."""
    while True:
        order = orders.get(key)
        outcome = _outcome_of(order, refund)
        if order is None or outcome is not from_:
            return outcome
        try:
            return _outcome_of(move(order), refund)
        except OrderMovedOn:
            continue


def _outcome_of(order: Order | None, refund: Refund) -> Outcome:
    if order is None:
        return Outcome.UNKNOWN_ORDER
    if order.status is Status.REFUNDED:
        return Outcome.REFUNDED
    if order.status not in _REFUNDABLE:
        return Outcome.NOT_REFUNDABLE
    if order.refund_in_progress:
        return Outcome.CLAIMED if order.refund_in_progress.id == refund.id else Outcome.ANOTHER_REFUND
    # The same refund does not claim twice: what it asks the provider may be on its way.
    failed = order.refund is not None and order.refund.id == refund.id
    return Outcome.REFUND_FAILED if failed else Outcome.UNCLAIMED
