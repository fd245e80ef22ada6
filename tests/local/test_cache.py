"""The stage's cache on the running stack: an edit may be invisible for a minute, and answers are never mixed up."""

from collections.abc import Iterator

import pytest

from tests.local.conftest import Books
from tools.demo.api_client import ApiClient
from tools.ops.back_office import BackOffice
from tools.stack.stack import Stack

METHODS = ("~1products/GET", "~1products~1{sku}/GET")


@pytest.fixture
def flush(stack: Stack) -> Iterator[object]:
    """Gives the stage its cache for a test, and empties it when asked."""
    gateway, stage = stack.client("apigateway"), {"restApiId": stack.outputs["RestApiId"], "stageName": "local"}

    def switch(on: bool) -> None:
        enabled = str(on).lower()
        paths = ["/cacheClusterEnabled", *(f"/{method}/caching/enabled" for method in METHODS)]
        changes = [{"op": "replace", "path": path, "value": enabled} for path in paths]
        gateway.update_stage(**stage, patchOperations=changes)

    switch(True)
    yield lambda: gateway.flush_stage_cache(**stage)
    gateway.flush_stage_cache(**stage)
    switch(False)


def test_an_edit_is_invisible_until_the_answer_is_forgotten(
    stack: Stack, visitor: ApiClient, books: Books, flush: object
) -> None:
    sku, other = books.sell(price=1000), books.sell(price=2000)
    path = f"/products/{sku}"
    seen = visitor.request("GET", path)
    product = {name: seen.json()[name] for name in ("name", "description", "category")}
    price = {"amount": 1100, "currency": "EUR"}

    edited = BackOffice.of(stack).put(sku, product | {"price": price}, {"If-Match": seen.headers["ETag"]})

    assert edited.status_code == 200
    kept = visitor.request("GET", path)
    assert (kept.json(), kept.headers["ETag"]) == (seen.json(), seen.headers["ETag"])
    # An editor who goes by the answer that was kept is refused, and overwrites nothing.
    stale = BackOffice.of(stack).put(sku, product | {"price": price}, {"If-Match": kept.headers["ETag"]})
    assert stale.status_code == 412
    # A stranger cannot empty the cache.
    ignored = visitor.request("GET", path, headers={"Cache-Control": "max-age=0"})
    assert ignored.json() == seen.json()
    assert visitor.request("GET", f"/products/{other}").json()["price"]["amount"] == 2000
    flush()  # type: ignore[operator]
    assert visitor.request("GET", path).json()["price"] == price


@pytest.mark.parametrize("query", ["?limit=1", "?limit=2", "?category=kitchen&limit=1", "?limit=2&category=stationery"])
def test_lists_with_other_parameters_are_kept_apart(visitor: ApiClient, flush: object, query: str) -> None:
    flush()  # type: ignore[operator]
    expected = visitor.request("GET", f"/products{query}").json()
    for other in ("", "?limit=3", "?category=outdoor", "?limit=1&category=stationery"):
        visitor.request("GET", f"/products{other}")

    found = visitor.request("GET", f"/products{query}").json()

    assert found == expected
    followed = visitor.request("GET", f"/products{query}&cursor={found['nextCursor']}").json()
    assert followed["items"] != found["items"]
