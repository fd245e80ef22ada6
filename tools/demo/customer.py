"""A customer of the shop: signs in with Cognito and talks to the REST API."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests

from tools.console import Problem
from tools.stack.stack import Stack

SETTLED = {"CONFIRMED", "REJECTED"}
_TIMEOUT_SECONDS = 35  # a little more than API Gateway's own
_POLL_SECONDS = 0.25


def sign_in(stack: Stack, name: str) -> str:
    """Return the id token of one of the stack's users.

    Raises
    ------
    Problem
        If Cognito does not accept the user's password.
    """
    user = stack.users[name]
    cognito = stack.client("cognito-idp")
    try:
        answer = cognito.initiate_auth(
            ClientId=stack.outputs["UserPoolClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": user.email, "PASSWORD": user.password},
        )
    except cognito.exceptions.NotAuthorizedException:
        raise Problem(f"{user.email} cannot sign in: run make up again, it sets the passwords") from None
    token: str = answer["AuthenticationResult"]["IdToken"]
    return token


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, unverified."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


@dataclass
class Customer:
    """A caller of the REST API, signed in or not.

    Attributes
    ----------
    url
        The REST API's address.
    token
        What goes into each request's ``Authorization`` header: the id token, if the customer has signed in.
    headers
        Other headers that go with each request.
    """

    url: str
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Send a request; ``arguments`` are those of ``requests``."""
        headers = self.headers | ({"Authorization": self.token} if self.token else {})
        headers |= arguments.pop("headers", {})
        return self._session.request(method, self.url + path, headers=headers, timeout=_TIMEOUT_SECONDS, **arguments)

    def order(self, lines: dict[str, int], key: str | None = None) -> requests.Response:
        """Place an order of quantities by SKU; without a key, one that is a new order each time."""
        body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.request("POST", "/orders", json=body, headers=headers)

    def settled(self, order_id: str, seconds: float = 30) -> dict[str, Any]:
        """Return an order as soon as it is confirmed or rejected, or as it is after the time given."""
        deadline = time.monotonic() + seconds
        while True:
            order: dict[str, Any] = self.request("GET", f"/orders/{order_id}").json()
            if order.get("status") in SETTLED or time.monotonic() > deadline:
                return order
            time.sleep(_POLL_SECONDS)
