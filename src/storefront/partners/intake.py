"""Taking in an order that a partner has handed in."""

import json
from dataclasses import dataclass
from datetime import datetime

from storefront.identity import customer_id_of
from storefront.orders.acceptance import OrderIntake
from storefront.partners.outcome import Outcome, OutcomeKey, Outcomes, is_reference
from storefront.partners.request import parse_partner_order_request
from storefront.shared.errors import Refusal


class NoReference(Exception):
    """A message without a usable reference. The gateway lets none through; it belongs in the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A message of the partner orders queue: the request's body as it was sent, and what the gateway said of it."""

    partner_id: str
    correlation_id: str
    body: str


def take_in(handed_in: HandedIn, intake: OrderIntake, outcomes: Outcomes, now: datetime) -> Outcome:
    """Place the order that a partner has handed in, and record what became of it.

    A refusal is an outcome like any other: the partner reads it, and nobody tries again. A crash between the order and
    its record does no harm: the message comes again, and the intake finds the order.

    Raises
    ------
    NoReference
        There is no reference that an outcome could be recorded under.
    """
    key = OutcomeKey(handed_in.partner_id, _reference_of(handed_in.body))
    customer_id = customer_id_of(handed_in.partner_id)
    try:
        request = parse_partner_order_request(handed_in.body.encode())
        order = intake.place_order(request.order, customer_id, key.reference, handed_in.correlation_id, now)
    except Refusal as refusal:
        outcomes.refuse(key, refusal.detail)
        return Outcome(refusal=refusal.detail)
    outcomes.accept(key, order.key.order_id)
    return Outcome(order_id=order.key.order_id)


def _reference_of(body: str) -> str:
    try:
        reference = json.loads(body)["reference"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoReference("not a partner's order") from error
    if not isinstance(reference, str) or not is_reference(reference):
        raise NoReference("a partner's order without a reference")
    return reference
