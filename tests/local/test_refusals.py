"""Bad input of every kind: a problem answer that helps, never a 5xx, and nothing changed."""

import json
from typing import Any

import pytest

from tests.local.conftest import Books
from tools.demo.api_client import ApiClient

KEY = {"Idempotency-Key": "refusals"}
JSON = {"Content-Type": "application/json"}
LINE = {"sku": "MUG-001", "quantity": 1}


def check_problem(response: Any, status: int) -> str:
    """Check that an answer is a problem in the one shape, and return its detail."""
    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status), response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["instance"].startswith("urn:uuid:")
    detail: str = problem["detail"]
    assert detail
    return detail


BAD_BODIES: dict[str, Any] = {
    "no body": b"",
    "white space": b"  \n",
    "not JSON": b"{lines}",
    "cut JSON": b'{"lines": [',
    "not UTF-8": b'{"lines": [{"sku": "\xff\xfe", "quantity": 1}]}',
    "an array": [],
    "a string": "order",
    "null": None,
    "nothing in it": {},
    "lines is null": {"lines": None},
    "lines is an object": {"lines": {}},
    "no lines": {"lines": []},
    "51 lines": {"lines": [LINE] * 51},
    "a line is null": {"lines": [None]},
    "no quantity": {"lines": [{"sku": "MUG-001"}]},
    "no sku": {"lines": [{"quantity": 1}]},
    "quantity 0": {"lines": [{**LINE, "quantity": 0}]},
    "quantity -1": {"lines": [{**LINE, "quantity": -1}]},
    "quantity 101": {"lines": [{**LINE, "quantity": 101}]},
    "quantity 1.5": {"lines": [{**LINE, "quantity": 1.5}]},
    "quantity is text": {"lines": [{**LINE, "quantity": "1"}]},
    "quantity is true": {"lines": [{**LINE, "quantity": True}]},
    "quantity is huge": {"lines": [{**LINE, "quantity": 10**400}]},
    "quantity is NaN": b'{"lines": [{"sku": "MUG-001", "quantity": NaN}]}',
    "sku is a number": {"lines": [{**LINE, "sku": 1}]},
    "sku is empty": {"lines": [{**LINE, "sku": ""}]},
    "sku in small letters": {"lines": [{**LINE, "sku": "mug-001"}]},
    "sku with a line break": {"lines": [{**LINE, "sku": "MUG-001\n"}]},
    "sku is very long": {"lines": [{**LINE, "sku": "A" * 10_000}]},
    "a price of one's own": {"lines": [{**LINE, "price": 1}]},
    "a member too many": {"lines": [LINE], "status": "CONFIRMED"},
    "deeply nested": b'{"lines":' * 500 + b"1" + b"}" * 500,
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
def test_a_bad_body_is_400_whoever_catches_it(customer: ApiClient, books: Books, name: str, media_type: str) -> None:
    """Under another media type the gateway's model is skipped, and the handler alone is the judge."""
    before = len(books.orders())
    content = BAD_BODIES[name]
    data = content if isinstance(content, bytes) else json.dumps(content)

    response = customer.request("POST", "/orders", data=data, headers={**KEY, "Content-Type": media_type})

    check_problem(response, 400)
    assert len(books.orders()) == before


@pytest.mark.parametrize("key", [None, "", "with space", "k" * 256, "schl\u00fcssel".encode("latin-1")])
def test_a_bad_idempotency_key_is_400(customer: ApiClient, books: Books, key: Any) -> None:
    before = len(books.orders())
    headers = {"Idempotency-Key": key} if key is not None else {}

    response = customer.request("POST", "/orders", json={"lines": [LINE]}, headers=headers)

    assert "Idempotency-Key" in check_problem(response, 400)
    assert len(books.orders()) == before


def test_an_unknown_product_is_422_and_named(customer: ApiClient) -> None:
    response = customer.order({"NO-SUCH-THING": 1})

    assert "NO-SUCH-THING" in check_problem(response, 422)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "ten", "", "%201", "1_0", "%D9%A3", "9" * 400])
@pytest.mark.parametrize("path", ["/products", "/orders"])
def test_a_bad_limit_is_400(customer: ApiClient, path: str, limit: str) -> None:
    assert "limit" in check_problem(customer.request("GET", f"{path}?limit={limit}"), 400)


@pytest.mark.parametrize("cursor", ["x", "", "made-up", "A" * 3000, "%00", "..%2F..", "e30", "%C3%A9"])
@pytest.mark.parametrize("path", ["/products", "/orders"])
def test_a_made_up_cursor_is_400(customer: ApiClient, path: str, cursor: str) -> None:
    assert "cursor" in check_problem(customer.request("GET", f"{path}?cursor={cursor}"), 400)


@pytest.mark.parametrize("category", ["Kitchen", "", "a" * 33, "k%20k", "kitchen%0A"])
def test_a_bad_category_is_400(visitor: ApiClient, category: str) -> None:
    assert "category" in check_problem(visitor.request("GET", f"/products?category={category}"), 400)


@pytest.mark.parametrize("sku", ["mug-001", "M", "A" * 33, "-MUG", "MUG%0A"])
def test_a_bad_sku_is_400(visitor: ApiClient, sku: str) -> None:
    check_problem(visitor.request("GET", f"/products/{sku}"), 400)


def test_an_unknown_product_is_404(visitor: ApiClient) -> None:
    assert "GET /products" in check_problem(visitor.request("GET", "/products/NO-SUCH"), 404)


@pytest.mark.parametrize("token", [None, "", "x", "Bearer x", "a.b.c"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/orders"), ("POST", "/orders"), ("GET", "/orders/ord-1")])
def test_who_is_not_signed_in_gets_401(visitor: ApiClient, method: str, path: str, token: str | None) -> None:
    headers = {**KEY, **({"Authorization": token} if token is not None else {})}

    response = visitor.request(method, path, json={"lines": [LINE]} if method == "POST" else None, headers=headers)

    check_problem(response, 401)


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("DELETE", "/orders"), ("PUT", "/health")])
def test_an_unknown_route_is_403_as_an_unsigned_call_is(visitor: ApiClient, method: str, path: str) -> None:
    check_problem(visitor.request(method, path), 403)


@pytest.mark.parametrize("path", ["/health", "/products", "/products/MUG-001", "/orders", "/orders/ord-1"])
def test_a_browser_may_ask_what_it_may_send(visitor: ApiClient, path: str) -> None:
    response = visitor.request("OPTIONS", path, headers={"Origin": "https://shop.example"})

    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Idempotency-Key" in response.headers["Access-Control-Allow-Headers"]


def test_health_is_answered_by_the_gateway(visitor: ApiClient) -> None:
    response = visitor.request("GET", "/health")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
