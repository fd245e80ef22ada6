"""No token, secret or personal datum reaches a log, whatever becomes of the request."""

import io
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from storefront.access.webhook_signature import content_sha256
from storefront.catalog import get_product, list_products, put_product
from storefront.chat import create_ticket
from storefront.orders import get_order, get_partner_order, list_orders, place_order, receive_payment_event
from tests.support.aws import CURSOR_SECRET, PAYMENTS_SECRET, WEBHOOK_SECRET, Aws
from tests.support.events import Context, rest_event

TOKEN = "token-canary"
EMAIL = "email-canary@example.com"
IDEMPOTENCY_KEY = "idempotency-key-canary"
INPUT = "input-canary"
CANARIES = (TOKEN, EMAIL, IDEMPOTENCY_KEY, INPUT, CURSOR_SECRET, PAYMENTS_SECRET, WEBHOOK_SECRET)

HANDLERS = {
    "GET /products": list_products.handler,
    "GET /products/{sku}": get_product.handler,
    "PUT /products/{sku}": put_product.handler,
    "POST /orders": place_order.handler,
    "GET /orders": list_orders.handler,
    "GET /orders/{orderId}": get_order.handler,
    "POST /chat/tickets": create_ticket.handler,
    "POST /webhooks/payments": receive_payment_event.handler,
    "GET /partner/orders/{reference}": get_partner_order.handler,
}

GOOD_BODY = {"lines": [{"sku": "MUG-001", "quantity": 1}]}
GOOD_EVENT = {
    "eventId": "evt-1",
    "chargeId": "ch-1",
    "reference": f"ord-{'a' * 32}",
    "status": "approved",
    "metadata": {"customerId": "the-customer"},
}
GOOD_PRODUCT = {"name": "Mug", "description": "", "category": "home", "price": {"amount": 1, "currency": "EUR"}}
GOOD_BODIES = {"POST /webhooks/payments": GOOD_EVENT, "PUT /products/{sku}": GOOD_PRODUCT}
BAD_BODY = {"lines": [{"sku": INPUT, "quantity": INPUT, INPUT: INPUT}], INPUT: INPUT}


def request(route: str, *, good: bool, signed_in: bool) -> dict[str, Any]:
    """Return a request with a canary everywhere, that any of the handlers can take."""
    event = rest_event(
        customer="the-customer" if signed_in else None,
        headers={
            "Authorization": f"Bearer {TOKEN}",
            "Cookie": TOKEN,
            "Idempotency-Key": IDEMPOTENCY_KEY,
            "If-Match": '"0"' if good else INPUT,
            "X-Forwarded-For": INPUT,
            "X-Webhook-Signature": INPUT,
        },
        query=None if good else {"cursor": INPUT, "limit": INPUT, "category": INPUT},
        path={"sku": "MUG-001", "orderId": f"ord-{'a' * 32}", "reference": "PO-1"}
        if good
        else {"sku": INPUT, "orderId": INPUT, "reference": INPUT},
        body=GOOD_BODIES.get(route, GOOD_BODY) if good else BAD_BODY,
    )
    if signed_in:
        event["requestContext"]["authorizer"]["partnerId"] = "acme00000001"
        event["requestContext"]["authorizer"]["contentSha256"] = content_sha256(event["body"].encode())
        event["requestContext"]["authorizer"]["claims"] |= {"email": EMAIL, "cognito:username": EMAIL}
    event["requestContext"]["identity"] = {"sourceIp": INPUT, "userAgent": INPUT}
    return event


@pytest.fixture
def captured(
    log: io.StringIO, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """Return everything that was logged or printed so far."""
    caplog.set_level("INFO")

    def everything() -> str:
        printed = capsys.readouterr()
        return log.getvalue() + caplog.text + printed.out + printed.err

    return everything


def assert_logged_without_canaries(text: str) -> None:
    assert [canary for canary in CANARIES if canary in text] == []


@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "not signed in"])
@pytest.mark.parametrize("good", [True, False], ids=["good request", "bad request"])
@pytest.mark.parametrize("route", HANDLERS)
def test_a_request_leaves_no_canary_in_the_log(
    aws: Aws, captured: Callable[[], str], route: str, good: bool, signed_in: bool
) -> None:
    aws.add_product("MUG-001")

    answer = HANDLERS[route](request(route, good=good, signed_in=signed_in), Context())  # type: ignore[arg-type]

    assert answer["statusCode"] < 500
    assert_logged_without_canaries(captured())


@pytest.mark.parametrize("route", HANDLERS)
def test_a_failure_leaves_no_canary_in_the_log(aws: Aws, captured: Callable[[], str], route: str) -> None:
    for table in ("CHAT_TABLE", "PRODUCTS_TABLE", "ORDERS_TABLE", "PARTNER_ORDERS_TABLE"):
        aws.dynamodb.delete_table(TableName=os.environ[table])

    answer = HANDLERS[route](request(route, good=True, signed_in=True), Context())  # type: ignore[arg-type]

    assert answer["statusCode"] == 500
    logged = captured()
    assert "ResourceNotFoundException" in logged, "the failure itself is in the log"
    assert_logged_without_canaries(logged)


def test_an_accepted_order_is_logged_by_its_id(aws: Aws, log: io.StringIO) -> None:
    aws.add_product("MUG-001")

    answer = place_order.handler(request("POST /orders", good=True, signed_in=True), Context())  # type: ignore[arg-type]

    assert json.loads(answer["body"])["orderId"] in log.getvalue()
