"""The search for secrets in logs finds one; it runs over all logs when the tests of the stack have ended.

The tests here also send everywhere what nobody should send, so that there is something to find.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from storefront.chat.ticket import new_ticket
from tests.support.canaries import SENT, canaries_in_logs
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient, sign_in
from tools.demo.chat import Access, Chat, Refused
from tools.ops import webhook
from tools.ops.back_office import BackOffice
from tools.ops.partners import caller
from tools.stack.stack import Stack
from tools.testing.routes import chat_handlers, rest_routes


@pytest.mark.parametrize("leaked", ["webhook secret", "ticket"])
def test_a_secret_in_a_log_is_found(stack: Stack, leaked: str) -> None:
    secret = {"webhook secret": stack.webhook["secret"], "ticket": f"wss://chat/dev?ticket={new_ticket()}"}[leaked]
    logs = stack.client("logs")
    logs.create_log_group(logGroupName="leaky")
    logs.create_log_stream(logGroupName="leaky", logStreamName="one")
    line = {"timestamp": int(time.time() * 1000), "message": f"signed with {secret}"}
    logs.put_log_events(logGroupName="leaky", logStreamName="one", logEvents=[line])

    found = canaries_in_logs(stack)

    logs.delete_log_group(logGroupName="leaky")
    assert f"{leaked} in leaky" in found


CALLERS: dict[str, Callable[[Stack], ApiClient]] = {
    "nobody": lambda stack: ApiClient(stack.url, SENT["token"]),
    "a customer": lambda stack: ApiClient(stack.url, sign_in(stack, "customer")),
    "a partner": lambda stack: caller(stack, "gold"),
}
# Each comes as far as it can with canaries in it: a reference and an event id may be a card number.
BODIES: dict[str, dict[str, Any]] = {
    "POST /orders": {"lines": [{"sku": "MUG-001", "quantity": 1}]},
    "POST /partner/orders": {"reference": SENT["card number"], "lines": [{"sku": "MUG-001", "quantity": 1}]},
    "POST /webhooks/payments": {
        "eventId": SENT["card number"],
        "chargeId": SENT["secret"],
        "reference": f"ord-{'a' * 32}",
        "status": "approved",
        "metadata": {"customerId": SENT["e-mail"]},
    },
    "PUT /products/{sku}": {
        "name": SENT["card number"],
        "description": SENT["e-mail"],
        "category": "tests",
        "price": {"amount": 1, "currency": "EUR"},
    },
}


def test_what_is_sent_in_any_place_of_any_route_is_in_no_log(stack: Stack) -> None:
    """Token, secret, e-mail address and card number, in headers, query, path, body and frames, by every caller."""
    statuses = Counter(answer for who in CALLERS.values() for answer in _ask_everything(who(stack)))
    statuses.update(_send_signed(stack))
    _chat_of_canaries(stack)

    # Some were refused at every stage, and some came through.
    assert {200, 202, 400, 401, 403} <= statuses.keys()
    assert not statuses.keys() & {500, 502, 503}
    partner = caller(stack, "gold")
    wait_until(
        lambda: partner.request("GET", f"/partner/orders/{SENT['card number']}").json()["status"] != "QUEUED",
        "the partner's order is taken in",
    )
    assert canaries_in_logs(stack) == []


def _ask_everything(somebody: ApiClient) -> Iterator[int]:
    headers = {f"X-{name.replace(' ', '-')}": value for name, value in SENT.items()}
    headers |= {"Cookie": f"session={SENT['token']}", "Idempotency-Key": SENT["card number"], "If-Match": '"1"'}
    query = {**SENT, "cursor": SENT["token"], "category": SENT["e-mail"]}
    for route in rest_routes():
        method, path = route.split()
        for address in {re.sub(r"\{\w+\}", quote(SENT[segment]), path) for segment in ("e-mail", "card number")}:
            body = {**BODIES.get(route, {}), **SENT} if method in ("POST", "PUT") else None
            yield somebody.request(method, address, params=query, headers=headers, json=body).status_code
    # Without what the models refuse.
    for route, body in BODIES.items():
        method, path = route.split()
        address = path.replace("{sku}", "MUG-001")
        yield somebody.request(method, address, headers=headers, json=body).status_code


def _send_signed(stack: Stack) -> Iterator[int]:
    """Send what is good but for its content: a payment event, and a product of the back office."""
    yield webhook.send(stack, BODIES["POST /webhooks/payments"]).status_code
    yield BackOffice.of(stack).put("CANARY-1", BODIES["PUT /products/{sku}"], {"If-None-Match": "*"}).status_code


def _chat_of_canaries(stack: Stack) -> None:
    url = f"{stack.outputs['ChatApiUrl']}?ticket={SENT['token']}&email={SENT['e-mail']}"
    with pytest.raises(Refused):
        Chat(url, lambda _: None)
    ticket = Access.of(stack, "customer").ticket()
    chat = Chat(f"{ticket['url']}&email={SENT['e-mail']}&card={SENT['card number']}", lambda _: None)
    for action in [*chat_handlers(), SENT["secret"]]:
        members = {"room": "support", "text": " ".join(SENT.values()), "clientId": SENT["card number"]}
        chat.send(json.dumps({"action": action, "requestId": SENT["card number"], **members}))
        chat.send(json.dumps({"action": action, "requestId": SENT["e-mail"], **members, **SENT, "room": SENT["token"]}))
    chat.request("ping")
    chat.close()
