"""The requests of a smoke test that finds the shop open, and the routes that serve them."""

import re
from typing import Any

import pytest

from storefront.rollout.post_traffic_hook import RESERVE_MILLISECONDS, SmokeTest
from storefront.rollout.public_api import PublicApi, Reply

Json = dict[str, Any]

_CLOSED = {
    ("GET", "/products/SMOKE-TEST-404"): 404,
    ("GET", "/orders"): 401,
    ("POST", "/orders"): 401,
    ("PUT", "/products/SMOKE-TEST-404"): 403,
}


def requests_made() -> list[tuple[str, str]]:
    """Return the method and path of each request, without query strings."""
    made: list[tuple[str, str]] = []

    def answer(_: PublicApi, method: str, path: str) -> Reply:
        made.append((method, path.partition("?")[0]))
        return Reply(_CLOSED.get(made[-1], 200), {"items": [{"sku": "MUG-001"}]})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PublicApi, "request", answer)
        SmokeTest(lambda: RESERVE_MILLISECONDS).run()
    return made


def operation_of(method: str, path: str, document: Json) -> Json | None:
    """Return the operation of an OpenAPI document that serves a request; nothing if none does."""
    for template, item in document["paths"].items():
        if method.lower() in item and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            operation: Json = item[method.lower()]
            return operation
    return None
