"""Partners: their tokens under attack, their orders, their usage plans."""

import json
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storefront.partners.token import issue
from tests.local.conftest import Books
from tests.local.test_refusals import check_problem
from tests.support.waiting import wait_until
from tools.demo.api_client import SETTLED, ApiClient
from tools.ops.partners import Partners, caller, calling_with, partner_id_of
from tools.stack.stack import PartnerAccess, Stack

BURST_SECONDS = 3
PATH = "/partner/orders/no-such-reference"


@pytest.fixture(scope="module")
def partners(stack: Stack) -> Partners:
    return Partners(stack)


@pytest.fixture(scope="module")
def access(partners: Partners) -> PartnerAccess:
    """A partner of the tests' own."""
    return partners.issue("gold")


@pytest.fixture(scope="module")
def gold(stack: Stack, access: PartnerAccess) -> ApiClient:
    return calling_with(stack, access)


@pytest.fixture(scope="module")
def another(stack: Stack, partners: Partners) -> ApiClient:
    return calling_with(stack, partners.issue("gold"))


def hand_in(partner: ApiClient, reference: str, sku: str, quantity: int = 1) -> Any:
    body = {"reference": reference, "lines": [{"sku": sku, "quantity": quantity}]}
    return partner.request("POST", "/partner/orders", json=body)


def knock(partner: ApiClient) -> Any:
    """Hand in what the gateway refuses (400) once it has let the partner in; nothing is queued."""
    return partner.request("POST", "/partner/orders", json={})


def outcome(partner: ApiClient, reference: str, *statuses: str) -> dict[str, Any]:
    def settled() -> dict[str, Any] | None:
        shown: dict[str, Any] = partner.request("GET", f"/partner/orders/{reference}").json()
        return shown if shown["status"] in statuses else None

    return wait_until(settled, f"{reference} is {statuses}", 30)


def test_an_order_goes_from_the_gateway_to_confirmed(gold: ApiClient, books: Books) -> None:
    sku, reference = books.sell(price=1250, stock=10), f"PO-{uuid.uuid4()}"

    accepted = hand_in(gold, reference, sku, 3)
    shown = outcome(gold, reference, *SETTLED)

    assert (accepted.status_code, accepted.json()) == (202, {"status": "QUEUED"})
    assert (shown["status"], shown["reference"]) == ("CONFIRMED", reference)
    assert shown["total"] == {"amount": 3750, "currency": "EUR"}
    assert books.stock(sku) == 7


def test_a_repeated_order_is_one(gold: ApiClient, books: Books) -> None:
    sku, reference = books.sell(stock=10), f"PO-{uuid.uuid4()}"

    for _ in range(3):
        hand_in(gold, reference, sku)

    outcome(gold, reference, "CONFIRMED")
    assert books.stock(sku) == 9


def test_a_refusal_is_read_as_one(gold: ApiClient) -> None:
    reference = f"PO-{uuid.uuid4()}"

    hand_in(gold, reference, "UNICORN-001")

    assert "UNICORN-001" in outcome(gold, reference, "REFUSED")["detail"]


def test_another_partners_reference_cannot_be_told_from_none(gold: ApiClient, another: ApiClient, books: Books) -> None:
    reference = f"PO-{uuid.uuid4()}"
    hand_in(gold, reference, books.sell())
    outcome(gold, reference, "CONFIRMED")

    anothers = another.request("GET", f"/partner/orders/{reference}")
    nobodys = another.request("GET", PATH)

    check_problem(anothers, 404)
    assert anothers.json() | {"instance": ""} == nobodys.json() | {"instance": ""}


def test_a_partners_order_is_no_customers(gold: ApiClient, customer: ApiClient, books: Books) -> None:
    reference = f"PO-{uuid.uuid4()}"
    hand_in(gold, reference, books.sell())
    order_id = outcome(gold, reference, "CONFIRMED")["orderId"]

    check_problem(customer.request("GET", f"/orders/{order_id}"), 404)


def test_a_partners_token_opens_nothing_of_the_customers(gold: ApiClient) -> None:
    check_problem(gold.request("GET", "/orders"), 401)


def test_a_customers_token_opens_nothing_of_the_partners(customer: ApiClient) -> None:
    check_problem(customer.request("GET", PATH), 401)
    check_problem(customer.request("GET", PATH, headers={"Authorization": f"Bearer {customer.token}"}), 401)


ATTACKS: dict[str, Any] = {
    "cut": lambda token: f"Bearer {token[:-1]}",
    "cut to its id": lambda token: f"Bearer {token.rpartition('_')[0]}_",
    "altered": lambda token: f"Bearer {token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
    "re-cased": lambda token: f"Bearer {token[:17]}{token[17:].swapcase()}",
    "all capitals": lambda token: f"Bearer {token.upper()}",
    "padded": lambda token: f"Bearer {token}=",
    "longer": lambda token: f"Bearer {token}A",
    "oversized": lambda token: f"Bearer {token}{'A' * 5000}",
    "another secret": lambda token: f"Bearer {issue(partner_id_of(token))[0].to_text()}",
    "nobody's": lambda token: f"Bearer {issue('nobody000000')[0].to_text()}",
    "empty": lambda token: "",
    "no token": lambda token: "Bearer ",
    "no scheme": lambda token: token,
    "other scheme": lambda token: f"Basic {token}",
    "two tokens": lambda token: f"Bearer {token}, Bearer {token}",
    "null": lambda token: f"Bearer {token[:-1]}%00",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_tampered_token_is_401(gold: ApiClient, access: PartnerAccess, attack: Any, method: str) -> None:
    path, body = (PATH, None) if method == "GET" else ("/partner/orders", {"reference": "x", "lines": []})

    answer = gold.request(method, path, json=body, headers={"Authorization": attack(access.token)})

    check_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_is_needed(visitor: ApiClient, access: PartnerAccess) -> None:
    check_problem(visitor.request("GET", PATH, headers={"x-api-key": access.api_key}), 401)


def test_the_parts_of_two_tokens_make_no_third(stack: Stack) -> None:
    bronze, gold = (stack.partners[name] for name in ("bronze", "gold"))
    swapped = f"{bronze.token.rpartition('_')[0]}_{gold.token.rpartition('_')[2]}"

    check_problem(calling_with(stack, replace(bronze, token=swapped)).request("GET", PATH), 401)


def test_the_answer_for_one_route_is_kept_and_good_for_the_other(gold: ApiClient, books: Books) -> None:
    """A policy for just the route that was asked for would refuse the second, from the gateway's cache."""
    reference = f"PO-{uuid.uuid4()}"

    assert gold.request("GET", PATH).status_code == 404
    assert hand_in(gold, reference, books.sell()).status_code == 202
    assert outcome(gold, reference, "CONFIRMED")


def test_a_revoked_partner_is_403(stack: Stack, partners: Partners) -> None:
    access = partners.issue("bronze")
    partners.revoke(partner_id_of(access.token))

    partner = calling_with(stack, access)

    check_problem(partner.request("GET", PATH), 403)
    check_problem(hand_in(partner, "x", "MUG-001"), 403)


def test_a_rotated_token_is_good_in_the_overlap_and_not_after(stack: Stack, partners: Partners) -> None:
    # Given two rotations, the first with no overlap; and no token that the gateway has seen before
    first = partners.issue("bronze")
    second = partners.rotate(partner_id_of(first.token), timedelta(0))
    third = partners.rotate(partner_id_of(first.token), timedelta(days=7))

    statuses = [calling_with(stack, access).request("GET", PATH) for access in (first, second, third)]

    assert [answer.status_code for answer in statuses] == [401, 404, 404]


def test_a_partner_without_a_plan_hands_in_nothing_and_may_look(stack: Stack, partners: Partners) -> None:
    # Given a partner whose key is gone; a key that somebody sends in a header does not count
    access, gateway = partners.issue("bronze"), stack.client("apigateway")
    keys = gateway.get_api_keys(nameQuery=f"partner-{partner_id_of(access.token)}")["items"]
    gateway.delete_api_key(apiKey=keys[0]["id"])
    others = {"x-api-key": stack.partners["gold"].api_key}
    partner = ApiClient(stack.url, f"Bearer {access.token}", others)

    check_problem(knock(partner), 403)
    assert partner.request("GET", PATH).status_code == 404


HOSTILE = {
    "quotes": "\"';--",
    "form fields": "&Action=DeleteQueue&QueueUrl=x&MessageBody=mine",
    "an attribute": "&MessageAttribute.1.Value.StringValue=globex000001",
    "percent": "%26%3D%00%",
    "plus and spaces": "a + b  c",
    "unicode": "caf\u00e9 \U0001f375 \u4e2d\u6587 \u202e",
    "line breaks": "a\nb\r\nc\td",
    "velocity": "$util.urlEncode('x') $input.body #set($x = 1) ${x} ## $context.authorizer.partnerId #end",
    "html": "<script>&amp;</script>",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_handed_in_reaches_the_queue_unaltered(
    stack: Stack, gold: ApiClient, access: PartnerAccess, hostile: str
) -> None:
    """The model allows no free text, so it is in a member that stands twice, of which the gateway looks at the last."""
    reference = f"PO-{uuid.uuid4()}"
    text = (
        f'{{"reference": {json.dumps(hostile, ensure_ascii=False)}, "reference": "{reference}", '
        '"lines": [{"sku": "UNICORN-001", "quantity": 1}]}'
    )
    with queue_watched(stack) as watched:
        answer = gold.request(
            "POST", "/partner/orders", data=text.encode(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 202, answer.text
        message = wait_until(watched.take, "the message arrives")

    assert message["Body"] == text
    attributes = {name: value.get("StringValue") for name, value in message["MessageAttributes"].items()}
    assert attributes["partnerId"] == partner_id_of(access.token)
    assert attributes.keys() <= {"partnerId", "correlationId"}


class queue_watched:  # noqa: N801 - used like a function
    """Stops the consumer, so that a test sees what comes to the partner orders queue."""

    def __init__(self, stack: Stack) -> None:
        self._lambda, self._sqs = stack.client("lambda"), stack.client("sqs")
        self._url = stack.outputs["PartnerOrdersQueueUrl"]
        mappings = self._lambda.list_event_source_mappings()["EventSourceMappings"]
        name = self._url.rpartition("/")[2]
        (self._mapping,) = [one["UUID"] for one in mappings if one["EventSourceArn"].endswith(f":{name}")]

    def __enter__(self) -> "queue_watched":
        self._lambda.update_event_source_mapping(UUID=self._mapping, Enabled=False)
        time.sleep(1.5)  # a poll may be under way
        return self

    def __exit__(self, *_: object) -> None:
        self._lambda.update_event_source_mapping(UUID=self._mapping, Enabled=True)

    def take(self) -> dict[str, Any] | None:
        """Take a message off the queue, if there is one."""
        received = self._sqs.receive_message(QueueUrl=self._url, MessageAttributeNames=["All"]).get("Messages")
        if not received:
            return None
        message: dict[str, Any] = received[0]
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return message


LINE = {"sku": "MUG-001", "quantity": 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", {}, {"reference": "x"}, {"lines": [LINE]}, {"reference": "a b", "lines": [LINE]},
     {"reference": "x" * 65, "lines": [LINE]}, {"reference": 1, "lines": [LINE]},
     {"reference": "x", "lines": [{"sku": "mug", "quantity": 1}]},
     {"reference": "x", "lines": [LINE], "partnerId": "globex000001"}],
    ids=str,
)  # fmt: skip
def test_a_body_of_another_shape_is_400_and_never_queued(gold: ApiClient, body: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body)

    check_problem(gold.request("POST", "/partner/orders", data=data, headers={"Content-Type": "application/json"}), 400)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_the_template_does_not_take_is_415(gold: ApiClient, media_type: str) -> None:
    body = json.dumps({"reference": "x", "lines": [LINE]})

    answer = gold.request("POST", "/partner/orders", data=body, headers={"Content-Type": media_type})

    check_problem(answer, 415)


def test_a_burst_over_the_plan_is_429_and_spares_the_other_partner(stack: Stack, partners: Partners) -> None:
    bronze, gold = calling_with(stack, partners.issue("bronze")), caller(stack, "gold")
    plan = stack.client("apigateway").get_usage_plan(usagePlanId=stack.outputs["BronzePlanId"])["throttle"]
    for partner in (bronze, gold):
        knock(partner)  # the authorizer's start is not measured
    time.sleep(1)

    clients = 4
    deadline = time.monotonic() + BURST_SECONDS

    def flood(_: int) -> list[Any]:
        answers = []
        while time.monotonic() < deadline:
            answers.append(knock(bronze))
            time.sleep(0.02)  # the other partner shares this machine, too
        return answers

    with ThreadPoolExecutor(clients + 1) as pool:
        shares = [pool.submit(flood, number) for number in range(clients)]
        others = [knock(gold) for _ in range(10)]
        answers = [answer for share in shares for answer in share.result()]

    # Then as many succeed as the plan allows: the burst, and the rate for as long as it went on
    counted = Counter(answer.status_code for answer in answers)
    assert counted.keys() == {400, 429}
    allowed = plan["burstLimit"] + plan["rateLimit"] * BURST_SECONDS
    assert 0.7 * allowed <= counted[400] <= allowed + clients, counted
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "Too many requests" in check_problem(refused, 429)
    assert refused.headers["Retry-After"] == "1"
    assert {answer.status_code for answer in others} == {400}


def test_a_quota_that_is_used_up_is_429_and_says_so(stack: Stack) -> None:
    # Given a partner of a plan with two requests a day
    gateway = stack.client("apigateway")
    stage = {"apiId": stack.outputs["RestApiId"], "stage": stack.url.rpartition("/")[2]}
    plan = gateway.create_usage_plan(name="two-a-day", apiStages=[stage], quota={"limit": 2, "period": "DAY"})
    outputs = {**stack.outputs, "BronzePlanId": plan["id"]}
    partner = calling_with(stack, Partners(replace(stack, outputs=outputs)).issue("bronze"))

    answers = [knock(partner) for _ in range(3)]

    # Then nothing more can be handed in; what was can be looked at
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert "used up" in check_problem(answers[2], 429)
    assert partner.request("GET", PATH).status_code == 404
