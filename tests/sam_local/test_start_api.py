"""`sam local start-api` over HTTP: what it mounts, what guards it there, orders that the rest of the stack settles."""

import json
import re
import uuid
from typing import Any

import pytest

from tests.sam_local.conftest import Server
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient, sign_in
from tools.ops import webhook
from tools.ops.partners import Partners, caller, partner_id_of
from tools.sam_local.mounted_routes import routes
from tools.stack.stack import Stack

PARTNER_PATH = "/partner/orders/no-such-reference"


def check_problem(answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status


def check_mounted(server: Server) -> None:
    """Compare what a start-api has printed with what we say that it mounts."""
    found = [re.search(rf"Mounting (\w+) at {server.url}(\S+) \[(\w+)\]", line) for line in server.printed]
    mounted = {(match[3], match[2]): match[1] for match in found if match}
    assert mounted == {(route.method, route.path): route.function for route in routes() if route.function}


def test_it_mounts_what_make_sam_local_says(api: Server) -> None:
    check_mounted(api)


def test_it_leaves_open_what_make_sam_local_says(api: Server) -> None:
    found = [re.search(r"Authorizer '(\w+)' for route '(\S+)' was not found, skipping", line) for line in api.printed]
    opened = sorted((match[1], match[2]) for match in found if match)

    assert opened == sorted((route.authorizer, route.path) for route in routes() if route.is_open)


@pytest.mark.parametrize("route", [route for route in routes() if not route.function], ids=str)
def test_what_is_not_mounted_is_403(client: ApiClient, route: Any) -> None:
    answer = client.request(route.method, route.path)

    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})


def test_products_are_listed_in_pages(client: ApiClient) -> None:
    first = client.request("GET", "/products", params={"limit": 2}).json()
    second = client.request("GET", "/products", params={"limit": 2, "cursor": first["nextCursor"]}).json()

    skus = [product["sku"] for product in [*first["items"], *second["items"]]]
    assert len(set(skus)) == 4


def test_a_product_is_shown(client: ApiClient) -> None:
    answer = client.request("GET", "/products/MUG-001")

    assert answer.status_code == 200
    assert answer.json()["name"] == "Stoneware mug"


def test_a_product_that_is_not_there_is_404(client: ApiClient) -> None:
    check_problem(client.request("GET", "/products/NO-SUCH-1"), 404)


def test_an_order_is_the_customers_and_is_confirmed_by_the_local_stack(client: ApiClient, stack: Stack) -> None:
    placed = client.order({"MUG-001": 2})

    assert placed.status_code == 202, placed.text
    order_id = placed.json()["orderId"]
    settled = client.settled(order_id)
    assert settled["status"] == "CONFIRMED"
    assert order_id in [order["orderId"] for order in client.request("GET", "/orders").json()["items"]]
    # Then the customer who signs in to the local stack sees it there, too
    customer = ApiClient(stack.url, sign_in(stack, "customer"))
    assert customer.request("GET", f"/orders/{order_id}").json() == settled


def test_an_order_that_makes_no_sense_is_refused_by_the_function(client: ApiClient) -> None:
    check_problem(client.request("POST", "/orders", json={}, headers={"Idempotency-Key": str(uuid.uuid4())}), 400)


def test_a_ticket_is_for_the_chat_of_the_local_stack(client: ApiClient, stack: Stack) -> None:
    answer = client.request("POST", "/chat/tickets")

    assert answer.status_code == 201, answer.text
    assert answer.json()["url"].startswith(stack.outputs["ChatApiUrl"])


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer of bad news"}], ids=["no token", "another form"])
def test_what_cannot_be_a_partner_s_token_is_401(client: ApiClient, headers: dict[str, str]) -> None:
    assert client.request("GET", PARTNER_PATH, headers=headers).status_code == 401


def test_a_token_of_nobody_is_refused(client: ApiClient) -> None:
    """The authorizer raises `Unauthorized`: 401 on AWS and on the local stack, and to the SAM CLI a fault."""
    headers = {"Authorization": f"Bearer sfp_nobody0000_{'A' * 43}"}

    assert client.request("GET", PARTNER_PATH, headers=headers).status_code == 502


def test_a_revoked_partner_is_403(api: Server, stack: Stack) -> None:
    partners = Partners(stack)
    access = partners.issue("bronze")
    partners.revoke(partner_id_of(access.token))

    assert ApiClient(api.url, f"Bearer {access.token}").request("GET", PARTNER_PATH).status_code == 403


def test_a_partner_sees_what_became_of_an_order(api: Server, stack: Stack) -> None:
    # Given an order that a partner has handed in: the gateway of the local stack queues it
    reference = f"PO-{uuid.uuid4()}"
    body = {"reference": reference, "lines": [{"sku": "MUG-001", "quantity": 1}]}
    assert caller(stack, "gold").request("POST", "/partner/orders", json=body).status_code == 202

    # When they look under sam local
    partner = ApiClient(api.url, f"Bearer {stack.partners['gold'].token}")

    def confirmed() -> Any:
        answer = partner.request("GET", f"/partner/orders/{reference}")
        return answer if answer.json()["status"] == "CONFIRMED" else None

    # Then
    assert wait_until(confirmed, f"{reference} is confirmed").status_code == 200


@pytest.fixture
def unpaid(client: ApiClient) -> str:
    """An order that awaits its payment."""
    placed: str = client.order({"PAY-WEBHOOK": 1}).json()["orderId"]
    wait_until(lambda: status(client, placed) == "AWAITING_PAYMENT", "the order awaits its payment")
    return placed


def status(client: ApiClient, order_id: str) -> str:
    return str(client.request("GET", f"/orders/{order_id}").json()["status"])


def send(client: ApiClient, body: bytes, headers: dict[str, str]) -> Any:
    return client.request("POST", webhook.PATH, data=body, headers={"Content-Type": "application/json", **headers})


def test_only_a_signed_webhook_settles_an_order(client: ApiClient, stack: Stack, unpaid: str) -> None:
    body = json.dumps(webhook.decide(stack, unpaid, "approved")).encode()
    headers = webhook.signed(body, [stack.webhook["secret"]])
    forged = webhook.signed(body, ["another secret"])

    # A request without a signature never reaches the authorizer, which denies a wrong one
    assert send(client, body, {}).status_code == 401
    assert send(client, body, forged).status_code == 403
    # The authorizer does not see the body: the function does
    check_problem(send(client, body.replace(b"approved", b"declined"), headers), 401)
    assert status(client, unpaid) == "AWAITING_PAYMENT"

    assert send(client, body, headers).status_code == 200
    assert status(client, unpaid) == "CONFIRMED"


def test_a_product_is_written_without_a_signature(client: ApiClient) -> None:
    """IAM is skipped: that is what `storefront sam-local` warns of."""
    path = f"/products/TEST-{uuid.uuid4().hex[:8].upper()}"
    price = {"amount": 900, "currency": "EUR"}
    product = {"name": "Poster", "description": "", "category": "posters", "price": price, "stock": 5}

    answer = client.request("PUT", path, json=product, headers={"If-None-Match": "*"})

    assert answer.status_code == 201, answer.text
