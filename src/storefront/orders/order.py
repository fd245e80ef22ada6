"""An order, and the one table of its states."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from storefront.shared import clock
from storefront.shared.money import Money


class Status(StrEnum):
    """Where an order stands."""

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"


class Reason(StrEnum):
    """Why an order was rejected, in words that the customer is shown."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    PAYMENT_UNAVAILABLE = "PAYMENT_UNAVAILABLE"
    PROCESSING_FAILED = "PROCESSING_FAILED"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the state table: the columns that the documentation shows are the ones the store obeys."""

    source: Status | None
    target: Status
    made_by: str
    condition: str
    writes: str


_PROCESSOR = "processor"
_PROCESSOR_OR_RECONCILER = "processor or reconciler"
_WEBHOOK_OR_RECONCILER = "`POST /webhooks/payments` or reconciler"

TRANSITIONS = (
    Transition(
        None,
        Status.PENDING,
        made_by="`POST /orders`",
        condition="no order with this id, which is derived from customer and idempotency key",
        writes="the order with its prices, total and request hash",
    ),
    Transition(
        Status.PENDING,
        Status.RESERVED,
        made_by=_PROCESSOR,
        condition="every product has the stock (one transaction with the order)",
        writes="stock goes down",
    ),
    Transition(
        Status.PENDING,
        Status.REJECTED,
        made_by=_PROCESSOR_OR_RECONCILER,
        condition="a product lacks the stock; or it could not be processed for more than a day",
        writes="the reason",
    ),
    Transition(
        Status.RESERVED,
        Status.AWAITING_PAYMENT,
        made_by=_PROCESSOR,
        condition="the provider took the charge and has not decided",
        writes="the charge id",
    ),
    Transition(
        Status.RESERVED,
        Status.CONFIRMED,
        made_by=_PROCESSOR_OR_RECONCILER,
        condition="the charge is approved",
        writes="the charge id",
    ),
    Transition(
        Status.RESERVED,
        Status.REJECTED,
        made_by=_PROCESSOR_OR_RECONCILER,
        condition="the charge is declined; or there is no outcome for more than a day (then a refund is due)",
        writes="the reason; stock goes up (one transaction)",
    ),
    Transition(
        Status.AWAITING_PAYMENT,
        Status.CONFIRMED,
        made_by=_WEBHOOK_OR_RECONCILER,
        condition="the provider, by its event or looked up, has approved",
        writes="the charge id",
    ),
    Transition(
        Status.AWAITING_PAYMENT,
        Status.REJECTED,
        made_by=_WEBHOOK_OR_RECONCILER,
        condition="the provider, by its event or looked up, has declined; or has not decided for over a day "
        "(then a refund is due)",
        writes="the reason; stock goes up (one transaction)",
    ),
)

ON_REDELIVERY = {
    Status.PENDING: "starts over: reserves the stock",
    Status.RESERVED: "looks the charge up; where there is none, charges under the same idempotency key",
    Status.AWAITING_PAYMENT: "nothing: the provider's event decides, or the reconciler, which looks the charge up",
    Status.CONFIRMED: "nothing",
    Status.REJECTED: "refunds where a refund is still due, otherwise nothing",
}

ON_PAYMENT_EVENT = {
    Status.PENDING: "nothing: the processor charges under the same idempotency key, and is told the same",
    Status.RESERVED: "nothing: the charge's answer, or the reconciler, which looks the charge up, decides",
    Status.AWAITING_PAYMENT: "confirms the order, or rejects it and gives the stock back",
    Status.CONFIRMED: "nothing",
    Status.REJECTED: "approved: notes that a refund is due, once for each event; declined: nothing",
}

_ALLOWED = frozenset((transition.source, transition.target) for transition in TRANSITIONS)


class IllegalTransition(Exception):
    """The state table has no such row: a mistake in the code, never in the data."""


def check_transition(source: Status | None, target: Status) -> None:
    """Check that the state table leads from `source` to `target`.

    Raises
    ------
    IllegalTransition
        It does not.
    """
    if (source, target) not in _ALLOWED:
        raise IllegalTransition(f"{source} -> {target}")


@dataclass(frozen=True, slots=True)
class Line:
    """A product in an order, at the price that was fixed when the order was accepted."""

    sku: str
    name: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class OrderKey:
    """What finds an order: with another customer's id, it is not found."""

    customer_id: str
    order_id: str


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

    @property
    def total(self) -> Money:
        """What the customer pays."""
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


class Schedule:
    """When the reconciler looks at an order that has not settled.

    Parameters
    ----------
    first
        The time until the first look: longer than the queue's pauses for five tries together, so that the reconciler
        leaves to the queue what the queue does. Each later look waits four times as long.
    """

    LOOKS = 4

    def __init__(self, first: timedelta) -> None:
        self._first = first

    def next_review(self, reviews: int, now: datetime) -> datetime:
        """Return the time of the look that follows `reviews` earlier ones."""
        factor: int = 4**reviews
        return now + self._first * factor

    def is_last(self, reviews: int) -> bool:
        """Tell whether the look after `reviews` earlier ones is the one that settles the order, whatever it finds."""
        return reviews + 1 >= self.LOOKS
