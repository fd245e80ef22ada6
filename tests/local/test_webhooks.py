"""Webhooks on the running stack: what the provider has signed settles an order, everything else is refused."""

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.local.conftest import Books
from tests.local.test_refusals import check_problem
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient
from tools.ops import webhook
from tools.stack.stack import Stack

SIGNATURE = "X-Webhook-Signature"
Subscriber = Callable[[str, int], list[dict[str, Any]]]


@pytest.fixture
def order_id(customer: ApiClient) -> str:
    """An order that awaits its payment."""
    placed: str = customer.order({"PAY-WEBHOOK": 1}).json()["orderId"]
    wait_until(lambda: status(customer, placed) == "AWAITING_PAYMENT", "the order awaits its payment")
    return placed


def status(customer: ApiClient, order_id: str) -> str:
    return str(customer.request("GET", f"/orders/{order_id}").json()["status"])


def send(visitor: ApiClient, body: bytes, headers: dict[str, str]) -> Any:
    return visitor.request("POST", webhook.PATH, data=body, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(("decision", "outcome"), [("approved", "CONFIRMED"), ("declined", "REJECTED")])
def test_a_signed_event_settles_the_order_once(
    stack: Stack,
    customer: ApiClient,
    books: Books,
    events_of: Subscriber,
    order_id: str,
    decision: str,
    outcome: str,
) -> None:
    event = webhook.decide(stack, order_id, decision)

    answers = [webhook.send(stack, event) for _ in range(3)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"eventId": event["eventId"]})] * 3
    assert status(customer, order_id) == outcome
    assert books.charges()[order_id] == (decision, 1007)
    # One change, and so one event: the replays wrote nothing.
    version = books.order(customer, order_id)["version"]["N"]
    webhook.send(stack, event)
    assert books.order(customer, order_id)["version"]["N"] == version


def test_the_stack_s_file_has_the_secret_that_counts(stack: Stack) -> None:
    value = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["WebhookSecretArn"])

    assert stack.webhook == {"secret": value["SecretString"]}
    assert len(stack.webhook["secret"]) == 64


def attacks(stack: Stack, body: bytes) -> dict[str, tuple[bytes, dict[str, str], int]]:
    """Return a body, headers and the status that they must get, by what they try."""
    secret = stack.webhook["secret"]
    good = webhook.signed(body, [secret])
    signature = good[SIGNATURE]
    stale, early = (
        webhook.signed(body, [secret], timestamp=int(good["X-Webhook-Timestamp"]) + seconds) for seconds in (-400, 400)
    )
    other = webhook.signed(b"{}", [secret])
    return {
        "no headers": (body, {}, 401),
        **{f"no {name}": (body, {one: value for one, value in good.items() if one != name}, 401) for name in good},
        **{f"empty {name}": (body, {**good, name: ""}, 401) for name in good},
        "another time": (body, {**good, "X-Webhook-Timestamp": str(int(good["X-Webhook-Timestamp"]) + 1)}, 403),
        "another hash": (body, {**good, "X-Webhook-Content-SHA256": other["X-Webhook-Content-SHA256"]}, 403),
        "stale": (body, stale, 403),
        "from the future": (body, early, 403),
        "cut": (body, {**good, SIGNATURE: signature[:-1]}, 403),
        "re-cased": (body, {**good, SIGNATURE: signature.upper()}, 403),
        "padded": (body, {**good, SIGNATURE: signature + "00"}, 403),
        "too long": (body, {**good, SIGNATURE: ",".join([signature] * 50)}, 403),
        "unknown version": (body, {**good, SIGNATURE: signature.replace("v1=", "v2=")}, 403),
        "not ASCII": (body, {**good, SIGNATURE: signature + "\u00e9"}, 403),
        "another secret": (body, webhook.signed(body, ["another"]), 403),
        "for another path": (body, webhook.signed(body, [secret], path="/local" + webhook.PATH), 403),
        "for another method": (body, webhook.signed(body, [secret], method="GET"), 403),
        "for another body": (body, other, 401),
        "a byte more": (body + b" ", good, 401),
        "a decision altered": (body.replace(b"declined", b"approved"), good, 401),
        "a customer's token": (body, {"Authorization": "token"}, 401),
    }


def test_every_forged_request_is_refused_and_changes_nothing(
    stack: Stack, customer: ApiClient, visitor: ApiClient, books: Books, order_id: str
) -> None:
    before = books.order(customer, order_id)
    event = webhook.decide(stack, order_id, "declined")
    body = json.dumps(event).encode()

    for name, (sent, headers, expected) in attacks(stack, body).items():
        encoded = {key: value.encode("latin-1") for key, value in headers.items()}
        answer = send(visitor, sent, encoded)  # type: ignore[arg-type]
        assert answer.status_code == expected, name
        check_problem(answer, expected)

    assert books.order(customer, order_id) == before
    # And with the same body, signed, it goes through.
    assert webhook.send(stack, event).status_code == 200


def test_a_header_that_is_there_twice_is_refused(stack: Stack, customer: ApiClient, order_id: str) -> None:
    body = json.dumps(webhook.decide(stack, order_id, "approved")).encode()
    good = webhook.signed(body, [stack.webhook["secret"]])
    address = urlsplit(stack.url)

    for name in good:
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        connection.putrequest("POST", address.path + webhook.PATH)
        for header, value in {**good, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            connection.putheader(header, value)
            if header == name:
                connection.putheader(header, "x" if header == SIGNATURE else value)
        connection.endheaders(body)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["status"]) == (403, 403), name
        connection.close()

    assert status(customer, order_id) == "AWAITING_PAYMENT"


def test_one_signature_of_several_is_enough(stack: Stack, visitor: ApiClient, order_id: str) -> None:
    body = json.dumps(webhook.decide(stack, order_id, "approved")).encode()

    assert send(visitor, body, webhook.signed(body, ["the next one", stack.webhook["secret"]])).status_code == 200


def test_a_media_type_that_skips_the_gateway_s_model_is_checked_all_the_same(stack: Stack, visitor: ApiClient) -> None:
    for body in (b"", b"{", b"[]", b'{"status": "approved"}', b"[" * 50_000):
        headers = {**webhook.signed(body, [stack.webhook["secret"]]), "Content-Type": "text/plain"}
        answer = send(visitor, body, headers)
        check_problem(answer, 400)


def test_an_event_about_no_order_is_422(stack: Stack, order_id: str) -> None:
    event = webhook.decide(stack, order_id, "approved")

    for changes in ({"reference": "ord-" + "a" * 32}, {"metadata": {"customerId": "another"}}, {"chargeId": "ch-1"}):
        check_problem(webhook.send(stack, event | changes), 422)

    assert webhook.send(stack, event).status_code == 200


# Last: it changes the secret of the stack that all tests share, and puts it back.
def test_the_secret_before_counts_for_the_time_of_a_rotation(stack: Stack, visitor: ApiClient, order_id: str) -> None:
    body = json.dumps(webhook.decide(stack, order_id, "approved")).encode()
    secretsmanager, secret = stack.client("secretsmanager"), stack.webhook["secret"]
    address = {"SecretId": stack.outputs["WebhookSecretArn"]}
    secretsmanager.put_secret_value(**address, SecretString="rotated" * 8)
    try:
        # From the authorizer's memory or from AWSPREVIOUS, whichever it has.
        assert send(visitor, body, webhook.signed(body, [secret])).status_code == 200
    finally:
        secretsmanager.put_secret_value(**address, SecretString=secret)
