"""Reconciling: looking after orders that have not settled in time.

A crash between two writes (order and message, charge and confirmation, rejection and refund) leaves an order that no
message will move. The reconciler finds it, sends it again a few times, and in the end settles it itself.
"""

import random
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from storefront.orders import processing
from storefront.orders.order import Order
from storefront.orders.processing import OrderMovedOn, Payments
from storefront.orders.schedule import Schedule
from storefront.orders.status import Reason, Status
from storefront.payments.charge import Decision


class Orders(processing.Orders, Protocol):
    """The orders table, as the reconciler uses it."""

    def postpone(self, order: Order, review_at: datetime) -> Order: ...  # noqa: D102
    def defer(self, order: Order, review_at: datetime) -> Order: ...  # noqa: D102
    def fail_refund(self, order: Order) -> Order: ...  # noqa: D102


class Queue(Protocol):
    """The queue that takes an order to the processor."""

    def send(self, order: Order) -> None: ...  # noqa: D102


def reconcile_order(
    order: Order, orders: Orders, payments: Payments, queue: Queue, schedule: Schedule, now: datetime
) -> Order:
    """Take one order that is due for review a step further.

    Returns
    -------
    Order
        The order after this review; unchanged where somebody else moved it at the same time.

    Raises
    ------
    PaymentUnresolved
        The provider did not answer; the order stays due.
    """
    try:
        match order.status:
            case Status.REJECTED:
                return processing.refund(order, orders, payments)
            case Status.PENDING | Status.RESERVED if not schedule.is_last(order.reviews):
                return _send_again(order, orders, queue, schedule, now)
            case Status.PENDING:
                return orders.reject(order, Reason.PROCESSING_FAILED)
            case Status.RESERVED | Status.AWAITING_PAYMENT:
                return _look_up_and_settle(order, orders, payments, schedule, now)
            case _:
                # A refund whose time is over: its execution was stopped, or ran out of time.
                return orders.fail_refund(order)
    except OrderMovedOn:
        return order


def defer_review(order: Order, orders: Orders, now: datetime) -> None:
    """Put an order whose review failed behind the others: else the same ones would take the time of every run."""
    with suppress(OrderMovedOn):
        orders.defer(order, now + timedelta(minutes=random.uniform(5, 15)))  # noqa: S311 - jitter, not a secret


def _send_again(order: Order, orders: Orders, queue: Queue, schedule: Schedule, now: datetime) -> Order:
    # Postponed first: a crash before the send costs one review, the other way round could send without end.
    postponed = orders.postpone(order, schedule.next_review(order.reviews + 1, now))
    queue.send(postponed)
    return postponed


def _look_up_and_settle(order: Order, orders: Orders, payments: Payments, schedule: Schedule, now: datetime) -> Order:
    charge = payments.look_up(order)
    if charge and charge.decision is not Decision.UNDECIDED:
        return processing.settle(order, charge, orders)
    if not schedule.is_last(order.reviews):
        return orders.postpone(order, schedule.next_review(order.reviews + 1, now))
    # A charge may still be on its way. Rejecting first and cancelling after means that whoever brings it finds the
    # order rejected, and that a crash in between leaves a debt on the books, which the next run settles.
    rejected = orders.reject(order, Reason.PAYMENT_UNAVAILABLE, refund_due=True)
    return processing.refund(rejected, orders, payments)
