"""Attacks on the cursors of lists."""

import base64
import json
from types import ModuleType
from typing import Any

from storefront.shared.errors import InvalidRequest
from tests.defences.defence import Defence

MODULE = "storefront.shared.paging"
KEY = {"sku": "MUG-001"}


def cursors(module: ModuleType, secret: str = "secret-canary") -> Any:
    return module.Cursors(lambda: secret)


def made_up(module: ModuleType) -> object:
    payload = json.dumps(KEY).encode()
    forged = base64.urlsafe_b64encode(bytes(16) + payload).decode().rstrip("=")
    return cursors(module).read("products/", forged)


def of_another_list(module: ModuleType) -> object:
    return cursors(module).read("orders/other", cursors(module).write("orders/customer", KEY))


def of_another_key(module: ModuleType) -> object:
    return cursors(module).read("products/", cursors(module, "another-secret").write("products/", KEY))


def spelled_otherwise(module: ModuleType) -> object:
    return cursors(module).read("products/", cursors(module).write("products/", KEY) + "=")


DEFENCES = (
    Defence(
        "the cursor carries a message authentication code of ours",
        MODULE,
        "hmac.compare_digest(mac, self._mac(scope, payload))",
        "True",
        made_up,
        InvalidRequest,
    ),
    Defence(
        "the code covers the list that the cursor belongs to",
        MODULE,
        'message = len(scope.encode()).to_bytes(2, "big") + scope.encode() + payload',
        "message = payload",
        of_another_list,
        InvalidRequest,
    ),
    Defence(
        "the code is made with a secret key",
        MODULE,
        "self._secret().encode(), message",
        "b'', message",
        of_another_key,
        InvalidRequest,
    ),
    Defence(
        "a cursor has one spelling only",
        MODULE,
        " or _encode(sealed) != cursor",
        "",
        spelled_otherwise,
        InvalidRequest,
    ),
)
