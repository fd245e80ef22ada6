"""A partner's request to place an order."""

from typing import Annotated

from pydantic import Field

from storefront.orders.request import RULES, OrderRequest
from storefront.partners.outcome import REFERENCE_PATTERN
from storefront.shared.body import parse

_RULES = RULES | {"reference": "a reference has 1 to 64 letters, digits, hyphens and underscores"}


class PartnerOrderRequest(OrderRequest):
    """The body of `POST /partner/orders`. The reference is the partner's own, and their idempotency key."""

    reference: Annotated[str, Field(pattern=REFERENCE_PATTERN)]

    @property
    def order(self) -> OrderRequest:
        """The lines of the order."""
        return OrderRequest(lines=self.lines)


def parse_partner_order_request(body: bytes) -> PartnerOrderRequest:
    """Return the partner's request that a body holds.

    Raises
    ------
    InvalidRequest
        It holds none; the detail says where and why, without the input.
    """
    return parse(PartnerOrderRequest, body, _RULES)
