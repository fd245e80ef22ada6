"""Which partner is calling: the one place where a partner is taken from a request or a message."""

from typing import Any

from storefront.shared.errors import Unauthenticated


def partner_id_of(event: dict[str, Any]) -> str:
    """Return the partner whom the TOKEN authorizer let through.

    Raises
    ------
    Unauthenticated
        The request did not come through the authorizer.
    """
    partner_id = (event["requestContext"].get("authorizer") or {}).get("partnerId")
    if not isinstance(partner_id, str) or not partner_id:
        raise Unauthenticated("Send your partner token: `Authorization: Bearer sfp_...`.")
    return partner_id


def customer_id_of(partner_id: str) -> str:
    """Return the customer that a partner's orders belong to; no subject of a token has a slash in it."""
    return f"partner/{partner_id}"
