"""An order."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storefront.orders.status import Reason, Status
from storefront.shared import clock
from storefront.shared.money import Money


@dataclass(frozen=True, slots=True)
class Line:
    """A product in an order, at the price that was fixed when the order was accepted."""

    sku: str
    name: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class OrderKey:
    """The key of an order: with another customer's id, the order is not found."""

    customer_id: str
    order_id: str


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund that support has asked for.

    Parameters
    ----------
    id
        The execution of the refund workflow.
    by
        The member of support, by the subject of their token.
    reason
        The reason in their words.
    """

    id: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is stored.

    Parameters
    ----------
    version
        Grows by one with every write; a write is made only on the version that was read.
    reviews
        How often the reconciler has come by.
    review_at
        When the reconciler looks at the order if nothing has settled it by then; `None` once nothing is left to do.
    refund_due
        The order was rejected without knowing what became of its charge, and the provider has not yet been told to
        cancel it.
    refund_event_id
        The provider's event that came after the rejection and made the refund due: it makes none again.
    refund
        The last refund that has claimed this order after it was confirmed.
    """

    key: OrderKey
    lines: tuple[Line, ...]
    request_hash: str
    correlation_id: str
    accepted_at: datetime
    updated_at: datetime
    review_at: datetime | None
    status: Status = Status.PENDING
    version: int = 1
    reviews: int = 0
    charge_id: str | None = None
    rejection_reason: Reason | None = None
    refund_due: bool = False
    refund_event_id: str | None = None
    refund: Refund | None = None

    @property
    def refund_in_progress(self) -> Refund | None:
        """The refund that has this order now; the reconciler looks at it when its time is over."""
        return self.refund if self.review_at else None

    @property
    def total(self) -> Money:
        """The amount that the customer pays."""
        currency = self.lines[0].unit_price.currency
        return Money(sum(line.unit_price.amount * line.quantity for line in self.lines), currency)

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the API shows to the order's customer."""
        body: dict[str, Any] = {
            "orderId": self.key.order_id,
            "status": str(self.status),
            "acceptedAt": clock.to_text(self.accepted_at),
            "updatedAt": clock.to_text(self.updated_at),
            "total": self.total.to_json(),
            "lines": [
                {
                    "sku": line.sku,
                    "name": line.name,
                    "quantity": line.quantity,
                    "unitPrice": line.unit_price.to_json(),
                }
                for line in self.lines
            ],
        }
        if self.rejection_reason:
            body["rejectionReason"] = str(self.rejection_reason)
        return body


def order_id_of(customer_id: str, idempotency_key: str) -> str:
    """Return the id of the order that this customer's request with this key makes: always the same one."""
    digest = hashlib.sha256(f"{customer_id}\n{idempotency_key}".encode()).digest()
    return "ord-" + base64.b32encode(digest[:20]).decode().lower()


def is_order_id(text: str) -> bool:
    """Tell whether `order_id_of` can have made this id."""
    return re.fullmatch("ord-[a-z2-7]{32}", text) is not None
