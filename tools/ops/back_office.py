"""The back office: assumes its role and writes products with signed requests, on this machine and on AWS alike."""

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from storefront.shared.text import printable
from tools.console import Problem, say, say_json
from tools.demo.api_client import ApiClient
from tools.stack.stack import Stack

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
    method: str,
    url: str,
    body: bytes,
    headers: dict[str, str],
    credentials: dict[str, str],
    region: str,
    service: str = "execute-api",
) -> dict[str, str]:
    """Return a request's headers together with those that sign it."""
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    # A user's own key, unlike a role's, has no session token.
    token = credentials["session_token"] or None
    keys = Credentials(credentials["access_key_id"], credentials["secret_access_key"], token)
    # "Signing AWS API requests", AWS Identity and Access Management User Guide
    SigV4Auth(keys, service, region).add_auth(request)
    return dict(request.headers)


@dataclass
class BackOffice:
    """An editor of the catalogue, with credentials as ``assume`` returns them; the region is part of the signature."""

    url: str
    credentials: dict[str, str] = field(repr=False)
    region: str

    @classmethod
    def of(cls, stack: Stack, *, as_me: bool = False) -> Self:
        """Return an editor who signs with new credentials of the stack's role, or ``as_me`` with the environment's."""
        role = stack.outputs["BackOfficeRoleArn"]
        return cls(stack.url, _own() if as_me else assume(stack.client("sts"), role), stack.region)

    def put(self, sku: str, product: dict[str, Any], condition: dict[str, str]) -> requests.Response:
        """Write a product on a condition: ``If-Match`` with its entity tag, or ``If-None-Match: *``."""
        path, body = f"/products/{sku}", json.dumps(product).encode()
        plain = {"Content-Type": "application/json", **condition}
        headers = signed("PUT", self.url + path, body, plain, self.credentials, self.region)
        return ApiClient(self.url).request("PUT", path, data=body, headers=headers)


def put_product(
    editor: BackOffice, sku: str, members: dict[str, Any], price: dict[str, Any], *, new: bool, if_match: str | None
) -> None:
    """Change a product, or put a new one on sale; raise `Problem` with the detail of a refusal.

    A member that is ``None`` stays as it is. Without ``if_match``, the entity tag of the product as somebody has seen
    it, the change is to the product as it is.
    """
    product: dict[str, Any] = {"description": "", "price": {"currency": "EUR"}}
    condition = {"If-None-Match": "*"}
    if not new:
        seen = _accepted(ApiClient(editor.url).request("GET", f"/products/{sku}"))
        product = {name: value for name, value in seen.json().items() if name != "sku"}
        condition = {"If-Match": if_match or seen.headers["ETag"]}
    edited = product | _given(members) | {"price": product["price"] | _given(price)}
    answer = _accepted(editor.put(sku, edited, condition))
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


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _accepted(answer: requests.Response) -> requests.Response:
    if answer.ok:
        return answer
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError):
        detail = answer.text[:200]
    raise Problem(f"{answer.status_code} {answer.reason}: {detail}")
