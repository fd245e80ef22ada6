"""The books: what stock and charges must show for the orders that there are, at any moment."""

from collections.abc import Iterable, Mapping

from storefront.orders.order import Order
from storefront.orders.status import Status

_HOLDING = (Status.RESERVED, Status.AWAITING_PAYMENT, Status.CONFIRMED, Status.REFUND_FAILED)
_SETTLED = (Status.CONFIRMED, Status.REJECTED, Status.REFUNDED, Status.REFUND_FAILED)


def check_books(orders: Iterable[Order], taken: Mapping[str, int], charges: Mapping[str, tuple[str, int]]) -> None:
    """Check that stock and charges agree with the orders, whatever has happened to them.

    Parameters
    ----------
    orders
        All orders.
    taken
        How much of each product is gone from the stock.
    charges
        The provider's charges: status and amount by order id.
    """
    held = dict.fromkeys(taken, 0)
    for order in orders:
        for line in order.lines if order.status in _HOLDING else ():
            held[line.sku] += line.quantity
        _check_charge(order, charges.get(order.key.order_id))
        if order.status in _SETTLED and not order.refund_due and not order.refund_in_progress:
            assert order.review_at is None, "a settled order is out of the reconciler's way"
        else:
            assert order.review_at is not None, "whatever is not settled will be looked at"
    assert held == taken, "stock that orders hold, and stock that is gone"


def _check_charge(order: Order, charge: tuple[str, int] | None) -> None:
    if order.status in (Status.CONFIRMED, Status.REFUND_FAILED):
        assert charge, "a confirmed order has a charge"
        status, amount = charge
        assert amount == order.total.amount, "of its total"
        assert status == "approved" or (status == "cancelled" and order.refund), "kept, unless it is being refunded"
    if order.status is Status.REFUNDED:
        assert charge == ("cancelled", order.total.amount), "no money is kept for a refunded order"
    if order.status is Status.REJECTED and not order.refund_due:
        kept = charge is not None and charge[0] in ("approved", "pending")
        assert not kept, "no money is kept for a rejected order, now or later"
