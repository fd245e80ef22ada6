"""The back office: assumes its role and writes products with signed requests, on this machine and on AWS alike.

A request to a route that IAM guards is signed with AWS Signature Version 4 for the service `execute-api`: method, path,
query, the host and `X-Amz-*` headers, and the body's SHA-256 ("Signing AWS API requests", AWS Identity and Access
Management User Guide). botocore has the one implementation that this needs.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from storefront.shared.http import session
from storefront.shared.text import printable
from tools.console import Problem, say, say_json
from tools.stack.stack import Stack

_TIMEOUT_SECONDS = 35  # a little more than API Gateway's own
_SESSION_SECONDS = 3600
_RENEWED_AFTER_SECONDS = 2700


def assume(sts: Any, role_arn: str) -> dict[str, str]:
    """Return an hour's credentials of the back office's role."""
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName="back-office", DurationSeconds=_SESSION_SECONDS)
    credentials = answer["Credentials"]
    return {
        "access_key_id": credentials["AccessKeyId"],
        "secret_access_key": credentials["SecretAccessKey"],
        "session_token": credentials["SessionToken"],
    }


def renewed(stack: Stack, state: Path) -> Stack:
    """Return a stack whose credentials are good for a quarter of an hour at the least; new ones are saved."""
    saved = (state / "stack.json").stat().st_mtime
    if not stack.back_office or time.time() - saved < _RENEWED_AFTER_SECONDS:
        return stack
    stack = replace(stack, back_office=assume(stack.client("sts"), stack.outputs["BackOfficeRoleArn"]))
    stack.save(state)
    return stack


def signed(
    method: str, url: str, body: bytes, headers: dict[str, str], credentials: dict[str, str], region: str
) -> dict[str, str]:
    """Return a request's headers together with those that sign it."""
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    # A user's own key, unlike a role's, has no session token.
    token = credentials["session_token"] or None
    keys = Credentials(credentials["access_key_id"], credentials["secret_access_key"], token)
    SigV4Auth(keys, "execute-api", region).add_auth(request)
    return dict(request.headers)


@dataclass
class BackOffice:
    """An editor of the catalogue, with credentials as ``assume`` returns them; the region is part of the signature."""

    url: str
    credentials: dict[str, str] = field(repr=False)
    region: str

    @classmethod
    def of(cls, stack: Stack, *, as_me: bool = False) -> BackOffice:
        """Return an editor who signs with new credentials of the stack's role, or ``as_me`` with the environment's."""
        role = stack.outputs["BackOfficeRoleArn"]
        return cls(stack.url, _own() if as_me else assume(stack.client("sts"), role), stack.region)

    def product(self, sku: str) -> requests.Response:
        """Ask for a product, as anyone may."""
        return session().get(f"{self.url}/products/{sku}", timeout=_TIMEOUT_SECONDS)

    def put(self, sku: str, product: dict[str, Any], condition: dict[str, str]) -> requests.Response:
        """Write a product on a condition: ``If-Match`` with its entity tag, or ``If-None-Match: *``."""
        url = f"{self.url}/products/{sku}"
        body = json.dumps(product).encode()
        plain = {"Content-Type": "application/json", **condition}
        headers = signed("PUT", url, body, plain, self.credentials, self.region)
        return session().put(url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS)


@dataclass(frozen=True)
class Edit:
    """What is given of a product; what is ``None`` stays as it is."""

    members: dict[str, Any]
    amount: int | None = None
    currency: str | None = None

    def of(self, product: dict[str, Any]) -> dict[str, Any]:
        """Return a product, edited, as the API takes it."""
        price = {**product["price"], **_present({"amount": self.amount, "currency": self.currency})}
        return {**product, **_present(self.members), "price": price}


def put_product(editor: BackOffice, sku: str, edit: Edit, *, new: bool, if_match: str | None) -> None:
    """Change a product, or put a new one on sale; raise `Problem` with the detail of a refusal.

    Without ``if_match``, the entity tag of the product as somebody has seen it, the change is to the product as it is.
    """
    if new:
        product = edit.of({"description": "", "price": {"currency": "EUR"}})
        answer = editor.put(sku, product, {"If-None-Match": "*"})
    else:
        seen = editor.product(sku)
        _raise_if_refused(seen)
        known = {name: value for name, value in seen.json().items() if name != "sku"}
        answer = editor.put(sku, edit.of(known), {"If-Match": if_match or seen.headers["ETag"]})
    _raise_if_refused(answer)
    say_json(answer.json())
    say(printable(f"ETag: {answer.headers['ETag']}"))


def _own() -> dict[str, str]:
    found = boto3.Session().get_credentials()
    if found is None:
        raise Problem("there are no AWS credentials: set AWS_PROFILE, or sign in")
    keys = found.get_frozen_credentials()
    return {
        "access_key_id": keys.access_key or "",
        "secret_access_key": keys.secret_key or "",
        "session_token": keys.token or "",
    }


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _raise_if_refused(answer: requests.Response) -> None:
    if answer.status_code in (HTTPStatus.OK, HTTPStatus.CREATED):
        return
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError):
        detail = answer.text[:200]
    raise Problem(f"{answer.status_code} {answer.reason}: {detail}")
