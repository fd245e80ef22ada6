"""A customer's request to place an order."""

import hashlib
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from storefront.catalog.product import SKU_PATTERN
from storefront.shared.body import parse
from storefront.shared.errors import InvalidRequest

MAX_LINES = 50
# The limits of one product, and of all products together, over all lines: stock is reserved before anybody has paid.
MAX_QUANTITY = 100
MAX_PIECES = 500
IDEMPOTENCY_KEY_PATTERN = r"[!-~]{1,255}"

RULES = {"sku": "a SKU has 3 to 32 capital letters, digits and hyphens"}


class LineRequest(BaseModel):
    """How many of which product."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sku: Annotated[str, Field(pattern=SKU_PATTERN)]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


def merged(lines: Iterable[LineRequest]) -> dict[str, int]:
    """Return how many of each product some lines ask for."""
    quantities: dict[str, int] = {}
    for line in lines:
        quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
    return quantities


class OrderRequest(BaseModel):
    """The body of `POST /orders`. The gateway's model checks its shape only; everything is checked here."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=MAX_LINES)]

    @field_validator("lines", mode="after")
    @classmethod
    def _check_quantities(cls, lines: list[LineRequest]) -> list[LineRequest]:
        """Check what the lines of each product, and all lines, add up to."""
        quantities = merged(lines).values()
        if max(quantities) > MAX_QUANTITY:
            raise PydanticCustomError(
                "too_many", "at most {most} pieces of one product, over all lines", {"most": MAX_QUANTITY}
            )
        if sum(quantities) > MAX_PIECES:
            raise PydanticCustomError(
                "too_many", "at most {most} pieces in one order; place another order for the rest", {"most": MAX_PIECES}
            )
        return lines

    @property
    def hash(self) -> str:
        """The hash by which two requests under one idempotency key differ; white space and key order do not count."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def quantities(self) -> dict[str, int]:
        """How many of each product, lines of one product merged."""
        return merged(self.lines)


def parse_order_request(body: bytes) -> OrderRequest:
    """Return the request that a body holds.

    Raises
    ------
    InvalidRequest
        It holds none; the detail says where and why, without the input.
    """
    return parse(OrderRequest, body, RULES)


def check_idempotency_key(key: str | None) -> str:
    """Return the value of the `Idempotency-Key` header.

    Raises
    ------
    InvalidRequest
        It is missing or cannot be one.
    """
    if key is None or not re.fullmatch(IDEMPOTENCY_KEY_PATTERN, key):
        raise InvalidRequest(
            "Send an `Idempotency-Key` header of 1 to 255 visible ASCII characters, a new one (such as a UUID) for "
            "each order and the same one when you repeat a request."
        )
    return key
