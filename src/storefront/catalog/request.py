"""The back office's requests: which members of a product it may write, and under which condition."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from storefront.catalog.product import CATEGORY_PATTERN
from storefront.shared.body import parse, readable
from storefront.shared.errors import InvalidRequest, PreconditionFailed, PreconditionRequired
from storefront.shared.money import Money

CURRENCY_PATTERN = "^[A-Z]{3}$"
MAX_NAME = 120
MAX_DESCRIPTION = 2000
MAX_AMOUNT = 1_000_000_000
MAX_STOCK = 1_000_000_000

_VERSION_TAG = re.compile(r'"(0|[1-9][0-9]{0,14})"')
# RFC 9110, section 8.8.3: one entity tag, strong or weak
_ANY_TAG = re.compile(r'(W/)?"[\x21\x23-\x7E]*"')

_RULES = {
    "name": "a text in one line, which shows something and has no control characters",
    "description": "a text in one line, without control characters",
    "category": "a category has 1 to 32 small letters, digits and hyphens, and starts with a letter",
    "currency": "a currency is its ISO 4217 code, three capital letters",
}


class PriceRequest(BaseModel):
    """A price, in minor units."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN)]


class ProductRequest(BaseModel):
    """The body of `PUT /products/{sku}`. The gateway's model checks its shape only; everything is checked here.

    `stock` is for a new product alone. From then on orders change it, and an edit that wrote it would undo their sales.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME), readable(MAX_NAME)]
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION), readable(MAX_DESCRIPTION, may_be_blank=True)]
    category: Annotated[str, Field(pattern=CATEGORY_PATTERN)]
    price: PriceRequest
    stock: Annotated[int, Field(ge=0, le=MAX_STOCK)] | None = None

    @property
    def money(self) -> Money:
        """The price as the rest of the catalogue knows it."""
        return Money(self.price.amount, self.price.currency)


@dataclass(frozen=True, slots=True)
class Precondition:
    """A condition of a write.

    Attributes
    ----------
    version
        The version that the product must have; `None` where there must be no product yet.
    """

    version: int | None

    @property
    def creates(self) -> bool:
        """Whether it lets a new product in, and no edit."""
        return self.version is None


def parse_product_request(body: bytes, precondition: Precondition) -> ProductRequest:
    """Return the request that a body holds.

    Raises
    ------
    InvalidRequest
        It holds none, or sets the stock of a product that exists; the detail says where and why, without the
        input.
    """
    request = parse(ProductRequest, body, _RULES)
    if request.stock is not None and not precondition.creates:
        raise InvalidRequest("/stock: orders change the stock of a product, an edit does not; leave it out.")
    return request


def precondition_of(if_match: str | None, if_none_match: str | None) -> Precondition:
    """Return the condition that a request's headers state (RFC 9110, section 13.1).

    Parameters
    ----------
    if_match
        The value of `If-Match`: the `ETag` of the product as the editor has seen it.
    if_none_match
        The value of `If-None-Match`: `*` for a new product.

    Raises
    ------
    PreconditionRequired
        There is none: two editors would overwrite each other (RFC 6585, section 3).
    PreconditionFailed
        The tag is one that no product of ours can have; a weak one never matches.
    InvalidRequest
        The route does not take this condition.
    """
    if if_match is None and if_none_match is None:
        raise PreconditionRequired(
            "Send `If-Match` with the `ETag` of the product as you have seen it (`GET` shows both), or "
            "`If-None-Match: *` for a new product."
        )
    if if_match is not None and if_none_match is not None:
        raise InvalidRequest("Send `If-Match` to change a product or `If-None-Match` for a new one, not both.")
    if if_match is None:
        if if_none_match != "*":
            raise InvalidRequest("`If-None-Match` takes `*` only: for a new product.")
        return Precondition(version=None)
    if not _ANY_TAG.fullmatch(if_match):
        raise InvalidRequest("`If-Match` takes one `ETag`, with its quotation marks, as `GET` has shown it.")
    version = _VERSION_TAG.fullmatch(if_match)
    if not version:
        raise PreconditionFailed("No product has this `ETag`. `GET` the product and send the `ETag` it shows.")
    return Precondition(version=int(version[1]))
