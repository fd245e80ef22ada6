"""The chat's authorizer: a good ticket is let in once, from a page that may open the chat or from none."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from storefront.chat import authorize_connection
from storefront.chat.ticket import TICKET_SECONDS, Ticket, hash_of, new_ticket
from storefront.chat.ticket_store import TicketStore
from storefront.shared import clock
from tests.support.faults import aws_error, refusing
from tests.support.ids import shown
from tools.testing.aws import Aws
from tools.testing.aws_calls import Listen
from tools.testing.events import Context

ARN = "arn:aws:execute-api:us-east-1:123456789012:c1h2a3t4/dev/$connect"
CUSTOMER = "5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e11"


@pytest.fixture
def tickets(aws: Aws) -> TicketStore:
    return TicketStore(aws.dynamodb, os.environ["CHAT_TABLE"])


@pytest.fixture
def ticket(tickets: TicketStore) -> str:
    """A ticket of Ada, a customer."""
    text = new_ticket()
    tickets.keep(text, Ticket.of(CUSTOMER, "Ada Customer", frozenset({"customers"}), clock.now()))
    return text


def connect(ticket: Any, *origins: str, **changes: Any) -> dict[str, Any]:
    event = {
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": {"Origin": origins[-1]} if origins else {},
        "multiValueHeaders": {"Host": ["chat"], **({"Origin": list(origins)} if origins else {})},
        "queryStringParameters": {"ticket": ticket},
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "c-1"},
        **changes,
    }
    return authorize_connection.handler(event, Context())  # type: ignore[arg-type]


def effect(answer: dict[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    return str(statement["Effect"])


def count_of(aws: Aws) -> int:
    count: int = aws.dynamodb.scan(TableName=os.environ["CHAT_TABLE"])["Count"]
    return count


def test_a_good_ticket_opens_this_connection_and_tells_whose_it_is(ticket: str) -> None:
    answer = connect(ticket)

    assert answer == {
        "principalId": CUSTOMER,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}],
        },
        "context": {"customerId": CUSTOMER, "name": "Ada Customer", "group": "customer"},
    }


@pytest.mark.parametrize(
    ("groups", "group"),
    [
        ({"support"}, "support"),
        ({"customers", "support"}, "support"),
        ({"customers"}, "customer"),
        (set(), "customer"),
        ({"supporters"}, "customer"),
    ],
)
def test_support_is_who_is_in_that_group(tickets: TicketStore, groups: set[str], group: str) -> None:
    text = new_ticket()
    tickets.keep(text, Ticket.of(CUSTOMER, "Support", groups, clock.now()))

    assert connect(text)["context"]["group"] == group


def test_a_name_goes_through_the_gateway_in_ascii(tickets: TicketStore) -> None:
    text = new_ticket()
    tickets.keep(text, Ticket.of(CUSTOMER, "Zoë 100%", frozenset(), clock.now()))

    assert connect(text)["context"]["name"] == "Zo%C3%AB 100%25"


def test_a_ticket_counts_once(ticket: str) -> None:
    assert effect(connect(ticket)) == "Allow"

    answer = connect(ticket)

    assert effect(answer) == "Deny"
    assert answer["principalId"] == "nobody"
    assert answer["context"] == {}


def test_of_those_who_come_with_one_ticket_at_once_one_is_let_in(ticket: str) -> None:
    start = Barrier(8)

    def race(_: int) -> str:
        start.wait()
        return effect(connect(ticket))

    with ThreadPoolExecutor(8) as pool:
        effects = sorted(pool.map(race, range(8)))

    assert effects == ["Allow"] + ["Deny"] * 7


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "Allow"), (TICKET_SECONDS - 2, "Allow"), (TICKET_SECONDS, "Deny")]
)
def test_a_ticket_is_good_for_a_minute_whether_or_not_the_table_has_dropped_it(
    aws: Aws, ticket: str, monkeypatch: pytest.MonkeyPatch, seconds: int, expected: str
) -> None:
    later = clock.now() + timedelta(seconds=seconds)
    monkeypatch.setattr("storefront.shared.clock.now", lambda: later)

    assert count_of(aws) == 1
    assert effect(connect(ticket)) == expected


def test_a_ticket_that_nobody_was_given_is_refused(ticket: str) -> None:
    assert effect(connect(new_ticket())) == "Deny"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "A" * 42,
        "A" * 44,
        "A" * 43 + "\n",
        "A" * 42 + "#",
        "A" * 42 + "é",
        "A" * 100_000,
        None,
        1,
        ["A" * 43],
        {"S": "A" * 43},
    ],
    ids=shown,
)
def test_what_cannot_be_a_ticket_costs_no_write(aws: Aws, listen: Listen, text: Any) -> None:
    listen(lambda _: pytest.fail("DynamoDB was called"))

    assert effect(connect(text)) == "Deny"


def test_the_hash_in_the_table_is_no_ticket(ticket: str) -> None:
    assert effect(connect(hash_of(ticket))) == "Deny"
    assert effect(connect(hash_of(ticket)[:43])) == "Deny"


@pytest.mark.parametrize("origin", ["https://shop.example.com", "http://localhost:3000"])
def test_a_page_that_is_listed_may_open_the_chat(ticket: str, origin: str) -> None:
    assert effect(connect(ticket, origin)) == "Allow"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example.com",
        "https://shop.example.com:8443",
        "https://shop.example.com/",
        "https://shop.example.com.evil.example",
        "https://evil.example?https://shop.example.com",
        "HTTPS://SHOP.EXAMPLE.COM",
        "https://shop.example.com,http://localhost:3000",
        "null",
        "*",
        "",
    ],
)
def test_another_page_is_refused_and_uses_up_no_ticket(ticket: str, origin: str) -> None:
    assert effect(connect(ticket, origin)) == "Deny"

    assert effect(connect(ticket)) == "Allow"


@pytest.mark.parametrize("origins", [["https://evil.example"], []], ids=["another page", "a ticket of nobody's"])
def test_a_refusal_is_for_this_handshake_and_no_fault(ticket: str, log: io.StringIO, origins: list[str]) -> None:
    answer = connect(new_ticket(), *origins)

    assert answer == {
        "principalId": "nobody",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": ARN}],
        },
        "context": {},
    }
    assert "could not be checked" not in log.getvalue()


@pytest.mark.parametrize("name", ["origin", "ORIGIN"])
def test_an_origin_counts_however_it_is_spelled(ticket: str, name: str) -> None:
    assert effect(connect(ticket, multiValueHeaders={name: ["https://evil.example"]})) == "Deny"


def test_of_two_origins_both_must_be_listed(ticket: str) -> None:
    assert effect(connect(ticket, "https://evil.example", "https://shop.example.com")) == "Deny"
    assert effect(connect(ticket, "https://shop.example.com", "https://evil.example")) == "Deny"


def test_the_pages_are_listed_with_commas_between_them(ticket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = authorize_connection._origins_in("https://one.example,https://other.example")
    monkeypatch.setattr(authorize_connection, "_allowed_origins", listed)

    assert effect(connect(ticket, "https://one.example,https://other.example")) == "Deny"
    assert effect(connect(ticket, "https://one.example", "https://other.example")) == "Allow"


def test_where_no_page_is_listed_none_may_open_the_chat(ticket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize_connection, "_allowed_origins", authorize_connection._origins_in(""))

    assert effect(connect(ticket, "")) == "Deny"
    assert effect(connect(ticket)) == "Allow"


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ResourceNotFoundException"])
def test_a_table_that_does_not_answer_is_a_refusal_and_logged(
    ticket: str, listen: Listen, log: io.StringIO, code: str
) -> None:
    listen(refusing(aws_error(code)))

    assert effect(connect(ticket)) == "Deny"
    assert "ticket could not be checked" in log.getvalue()
    assert '"level":"ERROR"' in log.getvalue()


@pytest.mark.parametrize("missing", ["multiValueHeaders", "queryStringParameters", "methodArn"])
def test_an_event_that_is_not_one_is_denied(ticket: str, missing: str) -> None:
    event = {
        "methodArn": ARN,
        "multiValueHeaders": {},
        "queryStringParameters": {"ticket": ticket},
    }
    del event[missing]

    answer = authorize_connection.handler(event, Context())  # type: ignore[arg-type]

    assert effect(answer) == "Deny"
    assert isinstance(answer["policyDocument"]["Statement"][0]["Resource"], str)


@pytest.mark.parametrize("missing", ["multiValueHeaders", "queryStringParameters"])
def test_an_event_with_nothing_where_something_must_be_is_denied(ticket: str, missing: str) -> None:
    assert effect(connect(ticket, **{missing: None})) == "Deny"


def test_a_damaged_ticket_is_a_refusal(aws: Aws, ticket: str) -> None:
    key = {"pk": {"S": f"ticket#{hash_of(ticket)}"}, "sk": {"S": "ticket"}}
    future = str(int(clock.now().timestamp()) + 60)
    aws.dynamodb.put_item(TableName=os.environ["CHAT_TABLE"], Item={**key, "expiresAt": {"N": future}})

    assert effect(connect(ticket)) == "Deny"


def test_an_event_that_came_twice_of_one_handshake_lets_nobody_in_twice(aws: Aws, ticket: str) -> None:
    connect(ticket)

    assert count_of(aws) == 0


def test_neither_a_ticket_nor_its_hash_nor_an_origin_is_logged(ticket: str, listen: Listen, log: io.StringIO) -> None:
    for one in (ticket, ticket, new_ticket(), "malformed-canary"):
        connect(one)
    connect(ticket, "https://origin-canary.example")
    connect(ticket, multiValueHeaders=None)

    listen(refusing(aws_error("AccessDeniedException")))
    connect(ticket)

    logged = log.getvalue()
    assert logged.count("connection refused") == 4
    assert [secret for secret in (ticket, hash_of(ticket), "canary", CUSTOMER, "Ada") if secret in logged] == []
