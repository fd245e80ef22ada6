"""Taking in an order that a partner has handed in."""

import json
import re
from dataclasses import dataclass
from datetime import datetime

from storefront.identity import customer_id_of
from storefront.orders.acceptance import OrderIntake
from storefront.partners.outcome import Outcome, OutcomeKey, Outcomes, is_reference
from storefront.partners.request import parse_partner_order_request
from storefront.shared.errors import InvalidRequest, Refusal

_REFERENCE = re.compile(r'"reference"\s*:\s*"([A-Za-z0-9_-]{1,64})"')


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
        It has no reference under which an outcome could be recorded.
    """
    customer_id = customer_id_of(handed_in.partner_id)
    try:
        request = parse_partner_order_request(handed_in.body.encode(errors="replace"))
    except InvalidRequest as refusal:
        return _refuse(OutcomeKey(handed_in.partner_id, _reference_in(handed_in.body)), refusal, outcomes)
    key = OutcomeKey(handed_in.partner_id, request.reference)
    try:
        order = intake.place_order(request.order, customer_id, key.reference, handed_in.correlation_id, now)
    except Refusal as refusal:
        return _refuse(key, refusal, outcomes)
    outcomes.accept(key, order.key.order_id)
    return Outcome(order_id=order.key.order_id)


def _refuse(key: OutcomeKey, refusal: Refusal, outcomes: Outcomes) -> Outcome:
    outcomes.refuse(key, refusal.detail)
    return Outcome(refusal=refusal.detail)


def _reference_in(body: str) -> str:
    """Return the reference in a body that is not an order: its sender asks for the outcome under it.

    The gateway's parser takes some texts that ours does not, such as one with more behind the document. So a text that
    is not JSON is searched.
    """
    try:
        document = json.loads(body)
        reference = document.get("reference") if isinstance(document, dict) else None
    except (ValueError, RecursionError):
        found = _REFERENCE.search(body)
        reference = found[1] if found else None
    if not isinstance(reference, str) or not is_reference(reference):
        raise NoReference("a partner's order without a reference")
    return reference
