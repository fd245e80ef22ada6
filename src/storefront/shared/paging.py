"""Pages of a list, and the cursors that lead from one to the next.

A cursor is the key of the last item of a page behind a message authentication code. It is opaque (clients have no
reason to build one) and tamper-evident: the code is checked before anything is parsed, and it covers the list the
cursor belongs to, so a cursor of one customer's orders or one category opens no other list.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from storefront.shared.errors import InvalidRequest

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

Item = TypeVar("Item")
Key = Mapping[str, str]

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list, and the key of the last one where more may follow."""

    items: list[Item]
    last_key: Key | None


class Cursors:
    """Writes and reads cursors.

    Parameters
    ----------
    secret
        Returns the signing key. It is asked at each use, so that a rotated key takes effect.
    """

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    def write(self, scope: str, key: Key) -> str:
        """Return the cursor behind `key` in the list that `scope` names."""
        payload = json.dumps(key, separators=(",", ":"), sort_keys=True).encode()
        return _encode(self._mac(scope, payload) + payload)

    def read(self, scope: str, cursor: str) -> Key:
        """Return the key behind `cursor`.

        Raises
        ------
        InvalidRequest
            The cursor was not written by this application, or not for the list that `scope` names.
        """
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            sealed = b""
        mac, payload = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        genuine = hmac.compare_digest(mac, self._mac(scope, payload))
        # The decoder skips what it does not know; written back, a cursor has one spelling only.
        if not genuine or _encode(sealed) != cursor:
            raise InvalidRequest(
                "The cursor is not one that this list gave out. Use `nextCursor` of the page before "
                "unchanged, with the "
                "same filters, or leave `cursor` out to start at the first page."
            )
        key: Key = json.loads(payload)
        return key

    def _mac(self, scope: str, payload: bytes) -> bytes:
        message = len(scope.encode()).to_bytes(2, "big") + scope.encode() + payload
        return hmac.digest(self._secret().encode(), message, hashlib.sha256)[:_MAC_BYTES]


def _encode(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def limit_of(query: Mapping[str, str]) -> int:
    """Return the page size that a query string asks for.

    Raises
    ------
    InvalidRequest
        `limit` is not a whole number from 1 to 100.
    """
    text = query.get("limit", str(DEFAULT_LIMIT))
    # int() alone takes signs, spaces, underscores, and digits of every script.
    if re.fullmatch("[1-9][0-9]{0,2}", text) and int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidRequest(f"`limit` must be a whole number from 1 to {MAX_LIMIT}.")


def to_json(page: Page[Item], render: Callable[[Item], dict[str, Any]], cursors: Cursors, scope: str) -> dict[str, Any]:
    """Return the body that answers a request for a list."""
    body: dict[str, Any] = {"items": [render(item) for item in page.items]}
    if page.last_key is not None:
        body["nextCursor"] = cursors.write(scope, page.last_key)
    return body
