"""A product, and the rules for what a request may say about one."""

import re
from dataclasses import dataclass
from typing import Any

from storefront.shared.errors import InvalidRequest
from storefront.shared.money import Money

SKU_PATTERN = r"^[A-Z0-9][A-Z0-9-]{2,31}$"
CATEGORY_PATTERN = r"^[a-z][a-z0-9-]{0,31}$"


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale, as the catalogue lists it.

    Attributes
    ----------
    version
        Counts the edits; what has never been edited is version 0. Sales do not count.
    """

    sku: str
    name: str
    description: str
    category: str
    price: Money
    version: int = 0

    @property
    def etag(self) -> str:
        """Tells one edit of the product from the next (RFC 9110, section 8.8.3): a strong entity tag."""
        return f'"{self.version}"'

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the API shows."""
        return {
            "sku": self.sku,
            "name": self.name,
            "description": self.description,
            "category": self.category,
            "price": self.price.to_json(),
        }


def sku_of(text: str) -> str:
    """Return `text` if it can be a SKU at all.

    Raises
    ------
    InvalidRequest
        It cannot.
    """
    if not re.fullmatch(SKU_PATTERN, text):
        raise InvalidRequest(
            "A SKU has 3 to 32 capital letters, digits and hyphens, and starts with no hyphen. `GET "
            "/products` lists them."
        )
    return text


def category_of(text: str | None) -> str | None:
    """Return `text` if it can be a category, or `None` for all of them.

    Raises
    ------
    InvalidRequest
        It cannot.
    """
    if text is not None and not re.fullmatch(CATEGORY_PATTERN, text):
        raise InvalidRequest(
            "A `category` has 1 to 32 small letters, digits and hyphens, and starts with a letter. "
            "Leave it out for all."
        )
    return text
