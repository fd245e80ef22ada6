"""Where an order stands, and the one table that says how it moves on."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where an order stands."""

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    REFUNDED = "REFUNDED"
    REFUND_FAILED = "REFUND_FAILED"


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
_REFUND = "refund workflow"
_MONEY_IS_BACK = "the workflow has claimed the order, and the provider has cancelled the charge"
_WRITES_REFUNDED = "stock goes up (one transaction); who and why stand there since the claim"

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
        condition="the charge is declined; or has no outcome for more than a day (then a refund is due)",
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
    Transition(Status.CONFIRMED, Status.REFUNDED, made_by=_REFUND, condition=_MONEY_IS_BACK, writes=_WRITES_REFUNDED),
    Transition(
        Status.CONFIRMED,
        Status.REFUND_FAILED,
        made_by="refund workflow or reconciler",
        condition="the workflow has claimed the order, and a failure remains or its time is over",
        writes="the claim ends: a new request may start",
    ),
    Transition(
        Status.REFUND_FAILED, Status.REFUNDED, made_by=_REFUND, condition=_MONEY_IS_BACK, writes=_WRITES_REFUNDED
    ),
)

ON_REDELIVERY = {
    Status.PENDING: "starts over: reserves the stock",
    Status.RESERVED: "looks the charge up; if none, charges under the same idempotency key",
    Status.AWAITING_PAYMENT: "nothing: the provider's event decides, or the reconciler, which looks the charge up",
    Status.CONFIRMED: "nothing",
    Status.REJECTED: "refunds where a refund is still due, otherwise nothing",
    Status.REFUNDED: "nothing",
    Status.REFUND_FAILED: "nothing",
}

ON_PAYMENT_EVENT = {
    Status.PENDING: "refused with 409 and `Retry-After`: the event has overtaken our own write, and comes again",
    Status.RESERVED: "the same",
    Status.AWAITING_PAYMENT: "confirms the order, or rejects it and gives the stock back",
    Status.CONFIRMED: "nothing",
    Status.REJECTED: "approved: notes that a refund is due, once for each event; declined: nothing",
    Status.REFUNDED: "nothing",
    Status.REFUND_FAILED: "nothing",
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
