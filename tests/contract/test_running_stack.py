"""Requests of every kind, made from the contract, to the running stack: each is answered as the contract says."""

import uuid
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.contract import matches
from tools.demo.api_client import sign_in
from tools.ops import partners
from tools.stack.stack import Stack
from tools.testing.template import openapi

CONTRACT = schemathesis.openapi.from_dict(openapi())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Bounds the time, and makes each run the same.
bounded = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session")
def token(stack: Stack) -> str:
    return sign_in(stack, "customer")


@CONTRACT.parametrize()
@bounded
def test_a_customer_is_answered_as_documented(case: schemathesis.Case, stack: Stack, token: str) -> None:
    answer = case.call(base_url=stack.url, headers={"Authorization": token})

    case.validate_response(answer, checks=CHECKS)


@CONTRACT.include(path_regex="^/partner/").exclude(method="OPTIONS").parametrize()
@bounded
def test_a_partner_is_answered_as_documented(case: schemathesis.Case, stack: Stack) -> None:
    partner = partners.caller(stack, "gold")

    answer = case.call(base_url=stack.url, headers={"Authorization": partner.token, **partner.headers})

    case.validate_response(answer, checks=CHECKS)


@CONTRACT.include(path_regex="^/(partner/)?orders").exclude(method="OPTIONS").parametrize()
@bounded
def test_nobody_gets_no_further_than_the_sign_in(case: schemathesis.Case, stack: Stack) -> None:
    answer = case.call(base_url=stack.url, headers={"Authorization": ""})

    case.validate_response(answer, checks=CHECKS)
    # The gateway has one answer for methods that there are not.
    known = case.method.lower() in openapi()["paths"][case.path]
    assert answer.status_code == (401 if known else 403)


def test_a_walk_through_the_shop_is_answered_as_documented(stack: Stack, token: str) -> None:
    def ask(method: str, path: str, **request: Any) -> Any:
        case = CONTRACT[path][method].Case(**request)
        answer = case.call(base_url=stack.url, headers={"Authorization": token, **request.get("headers", {})})
        case.validate_response(answer, checks=CHECKS)
        return answer

    page = ask("GET", "/products", query={"limit": 1}).json()
    assert ask("GET", "/products", query={"limit": 1, "cursor": page["nextCursor"]}).json()["items"] != page["items"]
    (product,) = page["items"]
    assert ask("GET", "/products/{sku}", path_parameters={"sku": product["sku"]}).json() == product

    for _ in range(2):
        body = {"lines": [{"sku": "MUG-001", "quantity": 1}]}
        accepted = ask("POST", "/orders", headers={"Idempotency-Key": str(uuid.uuid4())}, body=body)
        assert accepted.status_code == 202
    order_id = accepted.json()["orderId"]
    order = ask("GET", "/orders/{orderId}", path_parameters={"orderId": order_id}).json()
    assert order["orderId"] == order_id
    newest = ask("GET", "/orders", query={"limit": 1}).json()
    assert newest["items"][0]["orderId"] == order_id
    assert ask("GET", "/orders", query={"limit": 1, "cursor": newest["nextCursor"]}).json()["items"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"lines": "MUG-001"}',
        b'{"lines": []}',
        b'{"lines": [{"sku": "MUG-001", "quantity": 1e400}]}',
        b'{"lines": [{"sku": "MUG-001", "quantity": 1}], "total": 0}',
        b'{"lines": [' + b'{"sku": "MUG-001", "quantity": 1},' * 50 + b'{"sku": "MUG-001", "quantity": 1}]}',
        b"[" * 50_000,
        b"lines=MUG-001&quantity=1",
    ],
    ids=lambda body: repr(body)[:40],
)
# With another media type than JSON, a body passes the gateway's model and is the function's to check.
@pytest.mark.parametrize(
    "media_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "no type"]
)
def test_a_hostile_body_gets_a_problem(stack: Stack, token: str, body: bytes, media_type: str) -> None:
    headers = {"Authorization": token, "Content-Type": media_type, "Idempotency-Key": str(uuid.uuid4())}

    answer = requests.post(f"{stack.url}/orders", data=body, headers=headers, timeout=30)

    assert_is_a_problem(answer, 400)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/products?limit=%2B5", 400),
        ("/products?limit=%D9%A3", 400),
        ("/products?limit=00501", 400),
        ("/products?limit=0001" + "0" * 5000, 400),
        ("/products?cursor=%00", 400),
        ("/products?cursor=%ED%A0%80", 400),
        ("/products?category=%F0%9F%8D%B5", 400),
        ("/products/" + "A" * 5000, 400),
        ("/orders/" + "a" * 5000, 404),
        ("/orders/%00", 404),
        ("/orders/%F0%9F%8D%B5", 404),
        ("/orders?cursor=" + "A" * 5000, 400),
        ("/no-such-route", 403),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_hostile_address_gets_a_problem(stack: Stack, token: str, path: str, status: int) -> None:
    answer = requests.get(stack.url + path, headers={"Authorization": token}, timeout=30)

    assert_is_a_problem(answer, status)


def assert_is_a_problem(answer: requests.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert matches(answer.json(), "Problem")
    assert answer.json()["status"] == status
