"""What a customer may ask for when they order."""

import hashlib
import re
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storefront.catalog.product import SKU_PATTERN
from storefront.shared.errors import InvalidRequest

MAX_LINES = 50
MAX_QUANTITY = 100
IDEMPOTENCY_KEY_PATTERN = r"[!-~]{1,255}"
REFERENCE_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"

_MAX_FINDINGS = 5
_RULE_OF_PATTERN = {
    "sku": "a SKU has 3 to 32 capital letters, digits and hyphens",
    "reference": "a reference has 1 to 64 letters, digits, hyphens and underscores",
}


class LineRequest(BaseModel):
    """How many of which product."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sku: Annotated[str, Field(pattern=SKU_PATTERN)]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class OrderRequest(BaseModel):
    """The body of `POST /orders`. The gateway's model checks its shape only; everything is checked here."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=MAX_LINES)]

    @property
    def hash(self) -> str:
        """What tells two requests under one idempotency key apart; white space and key order do not."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def quantities(self) -> dict[str, int]:
        """How many of each product, lines of one product merged."""
        merged: dict[str, int] = {}
        for line in self.lines:
            merged[line.sku] = merged.get(line.sku, 0) + line.quantity
        return merged


class PartnerOrderRequest(OrderRequest):
    """The body of `POST /partner/orders`. The reference is the partner's own, and their idempotency key."""

    reference: Annotated[str, Field(pattern=REFERENCE_PATTERN)]

    @property
    def order(self) -> OrderRequest:
        """What is ordered."""
        return OrderRequest(lines=self.lines)


_Request = TypeVar("_Request", bound=OrderRequest)


def parse_order_request(body: bytes) -> OrderRequest:
    """Return the request that a body holds.

    Raises
    ------
    InvalidRequest
        It holds none; the detail says where and why, and repeats nothing of the input.
    """
    return _parsed(OrderRequest, body)


def parse_partner_order_request(body: bytes) -> PartnerOrderRequest:
    """Return the partner's request that a body holds.

    Raises
    ------
    InvalidRequest
        It holds none; the detail says where and why, and repeats nothing of the input.
    """
    return _parsed(PartnerOrderRequest, body)


def _parsed(model: type[_Request], body: bytes) -> _Request:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        findings = error.errors(include_input=False, include_url=False, include_context=False)
        shown = [_finding(finding["loc"], finding["type"], finding["msg"]) for finding in findings[:_MAX_FINDINGS]]
        if len(findings) > _MAX_FINDINGS:
            shown.append(f"and {len(findings) - _MAX_FINDINGS} more")
        raise InvalidRequest("; ".join(shown) + ".") from error


def check_idempotency_key(key: str | None) -> str:
    """Return the value of the `Idempotency-Key` header.

    Raises
    ------
    InvalidRequest
        It is missing or cannot be one.
    """
    if key is None or not re.fullmatch(IDEMPOTENCY_KEY_PATTERN, key):
        raise InvalidRequest(
            "Send an `Idempotency-Key` header of 1 to 255 visible ASCII characters, a new one (such as "
            "a UUID) for each "
            "order and the same one when you repeat a request."
        )
    return key


def _finding(location: tuple[int | str, ...], kind: str, message: str) -> str:
    if kind == "json_invalid":
        return "The body is not valid JSON"
    # A key that is not ours is the caller's own text; it is not repeated.
    path = location[:-1] if kind == "extra_forbidden" else location
    pointer = "".join(f"/{part}" for part in path) or "the body"
    if kind == "string_pattern_mismatch":
        message = _RULE_OF_PATTERN[str(location[-1])]
    elif kind == "extra_forbidden":
        message = "a member that is not known here; leave it out"
    return f"{pointer}: {message}"
