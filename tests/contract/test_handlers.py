"""Each answer that a function can give is one that the contract describes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from storefront.catalog import get_product, list_products, put_product
from storefront.chat import create_ticket
from storefront.orders import get_order, list_orders, place_order
from storefront.orders.order import OrderKey, order_id_of
from storefront.orders.order_store import OrderStore
from storefront.orders.status import Reason
from storefront.partners import get_partner_order, process_partner_orders
from storefront.payments import receive_payment_event
from storefront.payments.webhook_signature import content_sha256
from tests.support.contract import violations
from tests.support.faults import aws_error, refusing
from tools.testing.aws import Aws
from tools.testing.aws_calls import Listen
from tools.testing.events import Context, rest_event, sqs_record
from tools.testing.template import openapi

CUSTOMER = "the-customer"
PARTNER = "acme00000001"
KEY = {"Idempotency-Key": "a-key"}
LINES = {"lines": [{"sku": "MUG-001", "quantity": 2}]}
MUG = {"sku": "MUG-001"}
PRODUCT = {"name": "Mug", "description": "", "category": "kitchen", "price": {"amount": 1400, "currency": "EUR"}}
UNKNOWN = {"lines": [{"sku": "MUG-404", "quantity": 2}]}

HANDLERS: dict[str, Callable[..., dict[str, Any]]] = {
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

# Made by the gateway alone: their shape is checked in tests/template/test_openapi.py.
GATEWAY_ONLY = {"403", "413", "415", "429", "504"}

EVENT = {
    "eventId": "evt-1",
    "chargeId": "ch-1",
    "reference": order_id_of(CUSTOMER, "first"),
    "status": "declined",
    "metadata": {"customerId": CUSTOMER},
}


def signed(body: Any) -> dict[str, Any]:
    """Return a webhook's request as the authorizer lets it through."""
    text = json.dumps(body)
    return {"body": text, "authorizer": {"contentSha256": content_sha256(text.encode())}}


REQUESTS: list[tuple[str, int, dict[str, Any]]] = [
    ("GET /products", 200, {}),
    ("GET /products", 200, {"query": {"limit": "1"}}),
    ("GET /products", 200, {"query": {"category": "none"}}),
    ("GET /products", 400, {"query": {"limit": "0"}}),
    ("GET /products/{sku}", 200, {"path": {"sku": "MUG-001"}}),
    ("GET /products/{sku}", 400, {"path": {"sku": "mug"}}),
    ("GET /products/{sku}", 404, {"path": {"sku": "MUG-404"}}),
    ("PUT /products/{sku}", 200, {"path": MUG, "headers": {"If-Match": '"0"'}, "body": PRODUCT}),
    ("PUT /products/{sku}", 201, {"path": {"sku": "NEW-001"}, "headers": {"If-None-Match": "*"}, "body": PRODUCT}),
    ("PUT /products/{sku}", 400, {"path": MUG, "headers": {"If-Match": '"0"'}, "body": LINES}),
    ("PUT /products/{sku}", 412, {"path": MUG, "headers": {"If-Match": '"1"'}, "body": PRODUCT}),
    ("PUT /products/{sku}", 428, {"path": MUG, "body": PRODUCT}),
    ("POST /orders", 202, {"customer": CUSTOMER, "headers": KEY, "body": LINES}),
    ("POST /orders", 400, {"customer": CUSTOMER, "headers": KEY, "body": "{"}),
    ("POST /orders", 400, {"customer": CUSTOMER, "body": LINES}),
    ("POST /orders", 401, {"headers": KEY, "body": LINES}),
    ("POST /orders", 422, {"customer": CUSTOMER, "headers": KEY, "body": UNKNOWN}),
    ("GET /orders", 200, {"customer": CUSTOMER}),
    ("GET /orders", 200, {"customer": CUSTOMER, "query": {"limit": "1"}}),
    ("GET /orders", 400, {"customer": CUSTOMER, "query": {"cursor": "x"}}),
    ("GET /orders", 401, {}),
    ("GET /orders/{orderId}", 200, {"customer": CUSTOMER, "path": {"orderId": "the first"}}),
    ("GET /orders/{orderId}", 401, {"path": {"orderId": "the first"}}),
    ("GET /orders/{orderId}", 404, {"customer": "another", "path": {"orderId": "the first"}}),
    ("POST /chat/tickets", 201, {"customer": CUSTOMER}),
    ("POST /chat/tickets", 401, {}),
    ("POST /webhooks/payments", 200, signed(EVENT)),
    ("POST /webhooks/payments", 400, signed({})),
    ("POST /webhooks/payments", 401, {"body": EVENT, "authorizer": {"contentSha256": "0" * 64}}),
    ("POST /webhooks/payments", 409, signed(EVENT | {"reference": order_id_of(CUSTOMER, "second")})),
    ("POST /webhooks/payments", 422, signed(EVENT | {"reference": "unknown"})),
    ("GET /partner/orders/{reference}", 200, {"partner": PARTNER, "path": {"reference": "PO-1"}}),
    ("GET /partner/orders/{reference}", 200, {"partner": PARTNER, "path": {"reference": "PO-2"}}),
    ("GET /partner/orders/{reference}", 401, {"path": {"reference": "PO-1"}}),
    ("GET /partner/orders/{reference}", 404, {"partner": "globex000001", "path": {"reference": "PO-1"}}),
]


def place(key: str) -> str:
    """Place an order and return its id."""
    event = rest_event(customer=CUSTOMER, headers={"Idempotency-Key": key}, body=LINES)
    order_id: str = json.loads(place_order.handler(event, Context())["body"])["orderId"]  # type: ignore[arg-type]
    return order_id


@pytest.fixture
def first_order(aws: Aws) -> str:
    """A shop with two products and two orders, of which this is the first; it has been rejected."""
    aws.add_product("MUG-001")
    aws.add_product("MUG-002")
    first, _ = place("first"), place("second")
    for reference, content in (("PO-1", LINES), ("PO-2", UNKNOWN)):
        record = sqs_record({"reference": reference, **content})
        record["messageAttributes"]["partnerId"] = {"stringValue": PARTNER, "dataType": "String"}
        process_partner_orders.handler({"Records": [record]}, Context())
    store = OrderStore(aws.dynamodb, "OrdersTable", "ProductsTable")
    order = store.get(OrderKey(CUSTOMER, first))
    assert order
    store.reject(order, Reason.OUT_OF_STOCK)
    return first


@pytest.mark.parametrize(("route", "status", "request_"), REQUESTS)
def test_an_answer_is_as_documented(first_order: str, route: str, status: int, request_: dict[str, Any]) -> None:
    event = rest_event(**request_)
    if event["pathParameters"] == {"orderId": "the first"}:
        event["pathParameters"] = {"orderId": first_order}

    answer = HANDLERS[route](event, Context())

    assert answer["statusCode"] == status
    assert violations(route, answer) == []


@pytest.mark.parametrize(("code", "status"), [("AccessDeniedException", 500), ("ThrottlingException", 503)])
@pytest.mark.parametrize(("route", "request_"), {route: one for route, status, one in REQUESTS if status < 400}.items())
def test_a_failure_is_as_documented(
    listen: Listen, first_order: str, route: str, request_: dict[str, Any], code: str, status: int
) -> None:
    # given a DynamoDB that answers every call with an error
    listen(refusing(aws_error(code)))
    event = rest_event(**request_)
    if event["pathParameters"] == {"orderId": "the first"}:
        event["pathParameters"] = {"orderId": first_order}

    answer = HANDLERS[route](event, Context())

    assert answer["statusCode"] == status
    assert violations(route, answer) == []


def test_no_documented_answer_was_left_out() -> None:
    documented = {
        (f"{method.upper()} {path}", status)
        for path, item in openapi()["paths"].items()
        for method, operation in item.items()
        if f"{method.upper()} {path}" in HANDLERS
        for status in operation["responses"].keys() - GATEWAY_ONLY - {"500", "503"}
    }

    assert documented == {(route, str(status)) for route, status, _ in REQUESTS}
