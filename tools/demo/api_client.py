"""A client of the REST API, which may have signed in with Cognito."""

import base64
import json
import time
import uuid
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Any

import requests

from storefront.shared.http import session
from tools.console import Problem
from tools.ops.accounts import Accounts
from tools.stack.stack import Stack

SETTLED = frozenset({"CONFIRMED", "REJECTED", "REFUNDED", "REFUND_FAILED"})
_TIMEOUT_SECONDS = 35  # a little more than API Gateway's own
_POLL_SECONDS = 0.25


def sign_in(stack: Stack, name: str) -> str:
    """Return the id token of one of the stack's users."""
    user = stack.users[name]
    try:
        return str(Accounts.of(stack).sign_in(user.email, user.password)["IdToken"])
    except Problem as refusal:
        raise Problem(f"{user.email} cannot sign in: run make up again, it sets the passwords ({refusal})") from None


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a token, unverified."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


@dataclass
class ApiClient:
    """A caller of the REST API; ``token`` goes into the ``Authorization`` header of each request."""

    url: str
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    _session: requests.Session = field(default_factory=session, repr=False)

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Send a request; ``arguments`` are those of ``requests``."""
        headers = self.headers | ({"Authorization": self.token} if self.token else {})
        headers |= arguments.pop("headers", {})
        return self._session.request(method, self.url + path, headers=headers, timeout=_TIMEOUT_SECONDS, **arguments)

    def order(self, lines: dict[str, int], key: str | None = None) -> requests.Response:
        """Place an order of quantities by SKU; without a key, it is a new order each time."""
        body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.request("POST", "/orders", json=body, headers=headers)

    def states(self, path: str, until: Set[str] = SETTLED, seconds: float = 30) -> Iterator[dict[str, Any]]:
        """Read an order again and again, until it has one of the statuses or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            order: dict[str, Any] = self.request("GET", path).json()
            yield order
            if order.get("status") in until or time.monotonic() > deadline:
                return
            time.sleep(_POLL_SECONDS)

    def settled(self, order_id: str, seconds: float = 30) -> dict[str, Any]:
        """Return an order as soon as it is confirmed or rejected, or as it is after the time given."""
        *_, last = self.states(f"/orders/{order_id}", seconds=seconds)
        return last
