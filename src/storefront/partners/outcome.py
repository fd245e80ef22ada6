"""The outcome of an order that a partner has handed in."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from storefront.identity import customer_id_of
from storefront.orders.order import Order, OrderKey
from storefront.shared.errors import NotFound

REFERENCE_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class OutcomeKey:
    """The key of an outcome: with another partner's id, the outcome is not found."""

    partner_id: str
    reference: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of the request that a partner handed in under a reference.

    Parameters
    ----------
    order_id
        The order that it made, if it made one.
    refusal
        Why the last request under this reference was refused, if it was.
    """

    order_id: str | None = None
    refusal: str | None = None


class Outcomes(Protocol):
    """Where outcomes are kept."""

    def accept(self, key: OutcomeKey, order_id: str) -> None: ...  # noqa: D102
    def refuse(self, key: OutcomeKey, refusal: str) -> None: ...  # noqa: D102
    def get(self, key: OutcomeKey) -> Outcome | None: ...  # noqa: D102


class Orders(Protocol):
    """Where the orders are."""

    def get(self, key: OrderKey) -> Order | None: ...  # noqa: D102


def show(key: OutcomeKey, outcomes: Outcomes, orders: Orders) -> dict[str, Any]:
    """Return the shape in which the API shows an outcome to its partner.

    Raises
    ------
    NotFound
        Nothing was handed in under this reference, or it is still in the queue, or it is another partner's.
    """
    # A text that cannot be a reference is not looked up: DynamoDB refuses keys that are too long.
    outcome = outcomes.get(key) if is_reference(key.reference) else None
    if outcome is None:
        raise NotFound(
            "You have handed in nothing under this reference, or it is still in the queue: ask again in a moment."
        )
    shown: dict[str, Any] = {"reference": key.reference}
    order = outcome.order_id and orders.get(OrderKey(customer_id_of(key.partner_id), outcome.order_id))
    shown |= order.to_json() if order else {"status": REFUSED}
    return shown | ({"detail": outcome.refusal} if outcome.refusal else {})


def is_reference(text: str) -> bool:
    """Tell whether a text can be a partner's reference."""
    return re.fullmatch(REFERENCE_PATTERN, text) is not None
