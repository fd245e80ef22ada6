"""Processing an order: reserve, charge, confirm; or reject.

Every step reads where the order stands and moves it one state on, under the condition that nobody else has. So a
message may come twice, late, or eight times at once, and a crash may happen between any two lines.
"""

from collections.abc import Callable
from typing import Protocol

from storefront.orders.order import Order, OrderKey
from storefront.orders.status import Reason, Status
from storefront.payments.charge import Charge, Decision


class OrderMovedOn(Exception):
    """Somebody else has changed the order since it was read: read it again."""


class OutOfStock(Exception):
    """A product has less stock than the order needs. A permanent failure, and so an answer."""


class UnknownOrder(Exception):
    """The message names an order that is not there. No redelivery changes that; it belongs in the dead-letter queue."""


class Orders(Protocol):
    """The orders table, as the processor and the reconciler use it: each write is conditional on the version read."""

    def get(self, key: OrderKey) -> Order | None: ...  # noqa: D102
    def reserve(self, order: Order) -> Order: ...  # noqa: D102
    def await_payment(self, order: Order, charge_id: str) -> Order: ...  # noqa: D102
    def confirm(self, order: Order, charge_id: str) -> Order: ...  # noqa: D102
    def reject(self, order: Order, reason: Reason, *, refund_due: bool = False) -> Order: ...  # noqa: D102
    def refunded(self, order: Order) -> Order: ...  # noqa: D102


class Payments(Protocol):
    """The payment provider. The order's id is the idempotency key of its one charge."""

    def charge(self, order: Order) -> Charge: ...  # noqa: D102
    def look_up(self, order: Order) -> Charge | None: ...  # noqa: D102
    def cancel(self, order: Order) -> None: ...  # noqa: D102


def process_order(key: OrderKey, orders: Orders, payments: Payments) -> Order:
    """Take an order as far as it goes now.

    Returns
    -------
    Order
        The order, settled or awaiting its payment.

    Raises
    ------
    UnknownOrder
        The order does not exist.
    PaymentUnresolved
        The provider gave no outcome. The order stays `RESERVED`; process it again later.
    """
    order = _read(key, orders)
    while step := _next_step(order):
        try:
            order = step(order, orders, payments)
        except OrderMovedOn:
            order = _read(key, orders)
    return order


def settle(order: Order, charge: Charge, orders: Orders) -> Order:
    """Move an order whose stock is reserved to where the provider's decision leads."""
    match charge.decision:
        case Decision.APPROVED:
            return orders.confirm(order, charge.id)
        case Decision.DECLINED:
            return orders.reject(order, Reason.PAYMENT_DECLINED)
        case Decision.UNDECIDED:
            return orders.await_payment(order, charge.id)


def refund(order: Order, orders: Orders, payments: Payments) -> Order:
    """See to it that no money is kept for a rejected order: cancel the charge, then cross off the debt."""
    payments.cancel(order)
    return orders.refunded(order)


def _reserve_and_charge(order: Order, orders: Orders, payments: Payments) -> Order:
    try:
        reserved = orders.reserve(order)
    except OutOfStock:
        return orders.reject(order, Reason.OUT_OF_STOCK)
    return settle(reserved, payments.charge(reserved), orders)


def _look_up_or_charge(order: Order, orders: Orders, payments: Payments) -> Order:
    # Somebody was here before and may have charged, perhaps so long ago that the provider has forgotten the key.
    return settle(order, payments.look_up(order) or payments.charge(order), orders)


def _read(key: OrderKey, orders: Orders) -> Order:
    order = orders.get(key)
    if order is None:
        raise UnknownOrder(key.order_id)
    return order


def _next_step(order: Order) -> Callable[[Order, Orders, Payments], Order] | None:
    if order.refund_due:
        return refund
    return {Status.PENDING: _reserve_and_charge, Status.RESERVED: _look_up_or_charge}.get(order.status)
