"""What becomes of an order that a partner has handed in."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from storefront.access.partner_identity import customer_id_of
from storefront.orders.acceptance import OrderDesk
from storefront.orders.order import Order, OrderKey
from storefront.orders.request import REFERENCE_PATTERN, parse_partner_order_request
from storefront.shared.errors import NotFound, Refusal

REFUSED = "REFUSED"


class NoReference(Exception):
    """A message without a usable reference. The gateway lets none through; it belongs in the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class OutcomeKey:
    """What finds an outcome: with another partner's id, it is not found."""

    partner_id: str
    reference: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of what a partner handed in under a reference.

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


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A message of the partner orders queue: the request's body as it was sent, and what the gateway said of it."""

    partner_id: str
    correlation_id: str
    body: str


def take_in(handed_in: HandedIn, desk: OrderDesk, outcomes: Outcomes, now: datetime) -> Outcome:
    """Place the order that a partner has handed in, and record what became of it.

    A refusal is an outcome like any other: the partner reads it, and nobody tries again. A crash between the order and
    its record does no harm: the message comes again, and the desk finds the order.

    Raises
    ------
    NoReference
        There is no reference that an outcome could be recorded under.
    """
    key = OutcomeKey(handed_in.partner_id, _reference_of(handed_in.body))
    customer_id = customer_id_of(handed_in.partner_id)
    try:
        request = parse_partner_order_request(handed_in.body.encode())
        order = desk.place_order(request.order, customer_id, key.reference, handed_in.correlation_id, now)
    except Refusal as refusal:
        outcomes.refuse(key, refusal.detail)
        return Outcome(refusal=refusal.detail)
    outcomes.accept(key, order.key.order_id)
    return Outcome(order_id=order.key.order_id)


def show(key: OutcomeKey, outcomes: Outcomes, orders: Orders) -> dict[str, Any]:
    """Return the shape in which the API shows an outcome to its partner.

    Raises
    ------
    NotFound
        Nothing was handed in under this reference, or it is still in the queue, or it is another partner's.
    """
    # What cannot be a reference is not asked for: DynamoDB refuses keys that are too long.
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
    return re.fullmatch(REFERENCE_PATTERN, text) is not None and not text.endswith("\n")


def _reference_of(body: str) -> str:
    try:
        reference = json.loads(body)["reference"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoReference("not a partner's order") from error
    if not isinstance(reference, str) or not is_reference(reference):
        raise NoReference("a partner's order without a reference")
    return reference
