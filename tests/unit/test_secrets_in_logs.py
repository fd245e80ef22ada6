"""No token, secret or personal datum reaches a log, whatever becomes of the request."""

import io
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from storefront.chat import authorize_connection
from storefront.orders import place_order
from storefront.partners import authorize_partner, process_partner_orders
from storefront.payments import authorize_webhook
from storefront.payments.webhook_signature import content_sha256
from tools.testing.aws import CURSOR_SECRET, PAYMENTS_SECRET, WEBHOOK_SECRET, Aws
from tools.testing.events import Context, rest_event, sqs_record
from tools.testing.routes import chat_handlers, function_behind, rest_handlers
from tools.testing.source import names_imported
from tools.testing.template import resources

TOKEN = "token-canary"
EMAIL = "email-canary@example.com"
IDEMPOTENCY_KEY = "idempotency-key-canary"
INPUT = "input-canary"
CANARIES = (TOKEN, EMAIL, IDEMPOTENCY_KEY, INPUT, CURSOR_SECRET, PAYMENTS_SECRET, WEBHOOK_SECRET)

# Imported here: what is imported inside a test makes its clients too late for the fixtures.
HANDLERS = {route: function_behind(handler) for route, handler in rest_handlers().items()}
CHAT_HANDLERS = {route: function_behind(handler) for route, handler in chat_handlers().items()}

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


@pytest.mark.parametrize("route", CHAT_HANDLERS)
@pytest.mark.parametrize("working", [True, False], ids=["working", "failing"])
@pytest.mark.parametrize("action", ["as the route", "of no route"])
def test_a_frame_leaves_no_canary_in_the_log(
    aws: Aws, captured: Callable[[], str], route: str, working: bool, action: str
) -> None:
    if not working:
        aws.dynamodb.delete_table(TableName=os.environ["CHAT_TABLE"])
    body = dict.fromkeys(("requestId", "room", "text", "clientId", "cursor", "limit", TOKEN), INPUT)
    event = frame(route, {"action": route, **body, "room": "support"} if action == "as the route" else {**body})

    CHAT_HANDLERS[route](event, Context())

    assert_logged_without_canaries(captured())


def frame(route: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a frame, or of the handshake, with a canary everywhere."""
    handshakes = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}
    return {
        "headers": {"Cookie": TOKEN, "Origin": INPUT},
        "multiValueHeaders": {"Cookie": [TOKEN], "Origin": [INPUT]},
        "queryStringParameters": {"ticket": TOKEN, "email": EMAIL},
        "requestContext": {
            "routeKey": route,
            "eventType": handshakes.get(route, "MESSAGE"),
            "requestId": "request",
            "connectionId": "connection",
            "connectedAt": 1_795_000_000_000,
            "identity": {"sourceIp": INPUT, "userAgent": INPUT},
            "authorizer": {"principalId": "ada", "customerId": "ada", "name": EMAIL, "group": "customer"},
        },
        "body": None if route in handshakes else json.dumps(body),
        "isBase64Encoded": False,
    }


AUTHORIZED: dict[str, tuple[Any, dict[str, Any]]] = {
    "partner": (
        authorize_partner.handler,
        {"authorizationToken": f"Bearer sfp_acme00000001_{TOKEN}", "methodArn": "arn:aws:execute-api:::api/dev/GET/x"},
    ),
    "webhook": (
        authorize_webhook.handler,
        {
            "httpMethod": "POST",
            "resource": "/webhooks/payments",
            "methodArn": "arn:aws:execute-api:::api/dev/POST/webhooks/payments",
            "multiValueHeaders": {
                name: [INPUT]
                for name in ("X-Webhook-Timestamp", "X-Webhook-Content-SHA256", "X-Webhook-Signature", TOKEN)
            },
        },
    ),
    "chat": (authorize_connection.handler, {**frame("$connect", {}), "methodArn": "arn:aws:execute-api:::api/dev/c"}),
}


@pytest.mark.parametrize("who", AUTHORIZED)
@pytest.mark.parametrize("working", [True, False], ids=["working", "failing"])
def test_an_authorizer_logs_nothing_of_what_it_was_shown(
    aws: Aws, captured: Callable[[], str], who: str, working: bool
) -> None:
    authorize, event = AUTHORIZED[who]
    if not working:
        event = {**event, "multiValueHeaders": None, "authorizationToken": None}

    with suppress(Exception):
        authorize(event, Context())

    assert_logged_without_canaries(captured())


@pytest.mark.parametrize("body", [INPUT, {"reference": INPUT}, {"reference": INPUT, **BAD_BODY}, BAD_BODY])
def test_what_a_partner_has_handed_in_is_not_logged(aws: Aws, captured: Callable[[], str], body: Any) -> None:
    record = sqs_record(body)
    record["messageAttributes"]["partnerId"] = {"stringValue": "acme00000001", "dataType": "String"}

    process_partner_orders.handler({"Records": [record]}, Context())

    assert_logged_without_canaries(captured())


def test_no_function_adds_to_a_trace() -> None:
    """No module imports a library that could write into a trace, so no secret can be found in one."""
    functions = resources("AWS::Lambda::Function").values()
    imported = {name for function in functions for name in names_imported(function["Handler"])}

    assert "aws_lambda_powertools.Metrics" in imported
    assert not [name for name in imported if re.search(r"\.Tracer$|\.tracing\b|^(aws_xray_sdk|opentelemetry)\b", name)]


def test_an_accepted_order_is_logged_by_its_id(aws: Aws, log: io.StringIO) -> None:
    aws.add_product("MUG-001")

    answer = place_order.handler(request("POST /orders", good=True, signed_in=True), Context())  # type: ignore[arg-type]

    assert json.loads(answer["body"])["orderId"] in log.getvalue()
