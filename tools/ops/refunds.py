"""Refunds, as a member of support asks for them."""

import time
import uuid
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin

import requests

from tools.console import Problem
from tools.demo.api_client import ApiClient
from tools.ops.accounts import Accounts
from tools.stack.stack import Stack

_WAIT_SECONDS = 60
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Support:
    """A member of support, by the client that carries their access token."""

    client: ApiClient

    @classmethod
    def of(cls, stack: Stack) -> Self:
        """Return the one that can sign in on a stack."""
        member = stack.users["support"]
        token = Accounts.of(stack).sign_in(member.email, member.password)["AccessToken"]
        return cls(ApiClient(stack.url, str(token)))

    def start(self, order_id: str, customer_id: str, reason: str, key: str | None = None) -> requests.Response:
        """Ask for a refund; without a key, it is a new request each time."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        body = {"customerId": customer_id, "reason": reason}
        return self.client.request("POST", f"/orders/{order_id}/refund", json=body, headers=headers)

    def outcome(self, started: requests.Response) -> str:
        """Return what becomes of a refund that has been started; raise `Problem` if it takes too long."""
        path = urljoin(str(started.url), started.headers["Location"]).removeprefix(self.client.url)
        deadline = time.monotonic() + _WAIT_SECONDS
        while (status := str(self.client.request("GET", path).json().get("status"))) == "RUNNING":
            if time.monotonic() > deadline:
                raise Problem(f"GET {path} shows RUNNING after {_WAIT_SECONDS} s")
            time.sleep(_POLL_SECONDS)
        return status
