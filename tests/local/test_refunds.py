"""Refunds on the running stack: support alone, once, and what has become of them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local.conftest import Books
from tests.local.test_accounts import PASSWORD, part
from tests.local.test_refusals import check_problem
from tests.local.test_webhooks import Subscriber
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient, claims
from tools.ops.accounts import Accounts, confirm_locally
from tools.ops.refunds import Support
from tools.stack.stack import Stack

REASON = "It's \"broken\" \\ / ü #set($x) ${y} 'really\\'"


@pytest.fixture(scope="module")
def support(stack: Stack) -> Support:
    return Support.of(stack)


@pytest.fixture
def confirmed(customer: ApiClient, books: Books) -> dict[str, Any]:
    """A confirmed order of a product of its own."""
    sku = books.sell(stock=5)
    placed = customer.order({sku: 2}).json()
    return {"sku": sku, **customer.settled(placed["orderId"])}


def customer_id(customer: ApiClient) -> str:
    return str(claims(customer.token or "")["sub"])


def test_an_order_is_refunded_once_whoever_asks_again(
    support: Support, customer: ApiClient, books: Books, confirmed: dict[str, Any]
) -> None:
    order_id, key = confirmed["orderId"], uuid.uuid4().hex

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: support.start(order_id, customer_id(customer), REASON, key), range(4)))
    refund = support.outcome(answers[0])

    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"status": "ACCEPTED"})] * 4
    assert {answer.headers["Location"] for answer in answers} == {f"../../refunds/{order_id}-{key}"}
    assert refund == "REFUNDED"
    assert customer.request("GET", f"/orders/{order_id}").json()["status"] == "REFUNDED"
    assert books.charges()[order_id] == ("cancelled", 2000)
    assert books.stock(confirmed["sku"]) == 5
    order = books.order(customer, order_id)
    assert order["refundReason"]["S"] == REASON
    assert order["refundBy"]["S"] == claims(support.client.token or "")["sub"]
    assert order["refundId"]["S"] == f"{order_id}-{key}"
    # when somebody tries with another key
    again = support.start(order_id, customer_id(customer), REASON, uuid.uuid4().hex)
    assert support.outcome(again) == "REFUNDED"
    assert books.order(customer, order_id)["version"] == order["version"]
    assert books.stock(confirmed["sku"]) == 5


def test_a_refund_is_published_like_every_other_event(
    support: Support, customer: ApiClient, events_of: Subscriber, confirmed: dict[str, Any]
) -> None:
    answer = support.start(confirmed["orderId"], customer_id(customer), REASON, uuid.uuid4().hex)

    events = {event["detail-type"]: event["detail"] for event in events_of(confirmed["orderId"], 3)}

    assert events.keys() == {"OrderAccepted", "OrderConfirmed", "OrderRefunded"}
    assert events["OrderRefunded"]["status"] == "REFUNDED"
    assert support.outcome(answer) == "REFUNDED"


def test_a_refund_of_what_cannot_be_refunded_says_why(
    support: Support, customer: ApiClient, confirmed: dict[str, Any]
) -> None:
    pending = customer.order({"PAY-WEBHOOK": 1}).json()["orderId"]
    wait_until(
        lambda: customer.request("GET", f"/orders/{pending}").json()["status"] == "AWAITING_PAYMENT", "it awaits"
    )

    outcomes = [
        support.outcome(support.start(order_id, whose, REASON, uuid.uuid4().hex))
        for order_id, whose in (
            (pending, customer_id(customer)),
            (confirmed["orderId"], str(uuid.uuid4())),
            (f"ord-{'a' * 32}", customer_id(customer)),
        )
    ]

    assert outcomes == ["NOT_REFUNDABLE", "UNKNOWN_ORDER", "UNKNOWN_ORDER"]


@pytest.fixture(scope="module")
def strangers(stack: Stack, support: Support) -> dict[str, str | None]:
    """Authorizations of people who are not support, by what they try."""
    accounts, customer = Accounts.of(stack), stack.users["customer"]
    of_customer = accounts.sign_in(customer.email, customer.password)
    member = stack.users["support"]
    of_member = accounts.sign_in(member.email, member.password)
    head, body, signature = (support.client.token or "").split(".")
    other = "A" if signature[0] != "A" else "B"
    forged = part(claims(of_customer["AccessToken"]) | {"cognito:groups": ["support"]})
    return {
        "a customer's access token": of_customer["AccessToken"],
        "a customer's ID token": of_customer["IdToken"],
        "a member's ID token": of_member["IdToken"],
        "a customer who says that they are support": f"{head}.{forged}.{signature}",
        "a member's claims under another signature": f"{head}.{body}.{other}{signature[1:]}",
        "alg none": f"{part({'alg': 'none'})}.{body}.AAAA",
        "expired by its own word": f"{head}.{part(claims(support.client.token or '') | {'exp': 1})}.{signature}",
    }


def test_nobody_but_support_starts_or_sees_a_refund(
    stack: Stack, customer: ApiClient, books: Books, strangers: dict[str, str | None], confirmed: dict[str, Any]
) -> None:
    machine = stack.resources("AWS::StepFunctions::StateMachine")["RefundOrders"]
    executions = len(stack.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"])

    for name, token in strangers.items():
        stranger = Support(ApiClient(stack.url, token))
        started = stranger.start(confirmed["orderId"], customer_id(customer), REASON, uuid.uuid4().hex)
        assert started.status_code == 403, name
        check_problem(started, 403)
        check_problem(stranger.client.request("GET", f"/refunds/{confirmed['orderId']}-key"), 403)
    for token in (None, "no token", "a.b"):
        stranger = Support(ApiClient(stack.url, token))
        check_problem(stranger.start(confirmed["orderId"], customer_id(customer), REASON, "key"), 401)

    after = len(stack.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"])
    assert after == executions
    assert customer.request("GET", f"/orders/{confirmed['orderId']}").json()["status"] == "CONFIRMED"


def test_a_member_who_leaves_the_group_is_refused_with_the_token_that_was_good(
    stack: Stack, customer: ApiClient
) -> None:
    accounts, email = Accounts.of(stack), f"{uuid.uuid4().hex}@storefront.example"
    accounts.sign_up(email, PASSWORD)
    confirm_locally(stack, email)
    account = {"UserPoolId": stack.outputs["UserPoolId"], "Username": email, "GroupName": "support"}
    stack.client("cognito-idp").admin_add_user_to_group(**account)
    member = Support(ApiClient(stack.url, accounts.sign_in(email, PASSWORD)["AccessToken"]))
    before = member.client.request("GET", f"/refunds/ord-{'a' * 32}-key")

    stack.client("cognito-idp").admin_remove_user_from_group(**account)

    check_problem(before, 404)
    check_problem(member.client.request("GET", f"/refunds/ord-{'a' * 32}-key"), 403)


@pytest.mark.parametrize(
    ("order_id", "key"),
    [
        ("ord-1", "key"),
        (f"ord-{'a' * 32}", "with space"),
        (f"ord-{'a' * 32}", "k" * 44),
        (f"ord-{'a' * 32}", "a/b"),
        (f"ord-{'a' * 32}", '"'),
        (f"ord-{'a' * 32}-b", "key"),
        ("%22%2C%22name%22%3A%22x", "key"),
    ],
)
def test_what_makes_no_name_is_refused(support: Support, order_id: str, key: str) -> None:
    assert "Idempotency-Key" in check_problem(support.start(order_id, "somebody", REASON, key), 400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customerId": "c"},
        {"customerId": "c", "reason": ""},
        {"customerId": "c", "reason": "r" * 201},
        {"customerId": "c d", "reason": "r"},
        {"customerId": "c", "reason": "r", "by": "somebody else"},
        {"customerId": "c", "reason": None},
        [],
    ],
)
def test_a_body_of_another_shape_is_refused(support: Support, body: Any) -> None:
    headers = {"Idempotency-Key": "key"}

    check_problem(support.client.request("POST", f"/orders/ord-{'a' * 32}/refund", json=body, headers=headers), 400)


def test_a_refund_needs_a_key_and_a_body_of_json(support: Support) -> None:
    path, body = f"/orders/ord-{'a' * 32}/refund", {"customerId": "c", "reason": "r"}

    check_problem(support.client.request("POST", path, json=body), 400)
    check_problem(
        support.client.request(
            "POST",
            path,
            data=b'{"customerId": "c", "reason": "r"}',
            headers={"Idempotency-Key": "k", "Content-Type": "text/xml"},
        ),
        415,
    )


@pytest.mark.parametrize("refund_id", [f"ord-{'a' * 32}-unknown", "x", "a:b", "%2E%2E"])
def test_a_refund_that_there_is_not_is_not_found(support: Support, refund_id: str) -> None:
    check_problem(support.client.request("GET", f"/refunds/{refund_id}"), 404)
