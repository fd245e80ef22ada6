"""The events that tell other systems about an order."""

from dataclasses import dataclass
from typing import Any

from storefront.orders.order import Order
from storefront.orders.status import Status
from storefront.shared import clock

SCHEMA_VERSION = 1

_TYPE_OF_STATUS = {
    Status.PENDING: "OrderAccepted",
    Status.CONFIRMED: "OrderConfirmed",
    Status.REJECTED: "OrderRejected",
    Status.REFUNDED: "OrderRefunded",
}


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """Something that has happened to an order."""

    type: str
    order: Order

    @property
    def seconds_since_acceptance(self) -> float:
        """How long the customer has waited for this."""
        return (self.order.updated_at - self.order.accepted_at).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Return the event's detail.

        `version` is the order's own: a consumer drops what is older than what it has seen. No personal datum is in
        it; the customer is an opaque id.
        """
        order = self.order
        detail: dict[str, Any] = {
            "schemaVersion": SCHEMA_VERSION,
            "orderId": order.key.order_id,
            "customerId": order.key.customer_id,
            "status": str(order.status),
            "version": order.version,
            "total": order.total.to_json(),
            "acceptedAt": clock.to_text(order.accepted_at),
            "occurredAt": clock.to_text(order.updated_at),
            "correlationId": order.correlation_id,
        }
        if order.rejection_reason:
            detail["rejectionReason"] = str(order.rejection_reason)
        return detail


def event_of_change(before: Status | None, after: Order | None) -> OrderEvent | None:
    """Return the event that a change of the orders table makes, `None` where it is nobody's business.

    Parameters
    ----------
    before, after
        The order's status before the change, and the order after it; `None` where there was none, or is none any more.
    """
    if after is None or before is after.status:
        return None
    event_type = _TYPE_OF_STATUS.get(after.status)
    return OrderEvent(event_type, after) if event_type else None
