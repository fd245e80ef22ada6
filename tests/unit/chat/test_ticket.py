"""Tickets: how they are made, what is kept of them, and what `POST /chat/tickets` answers."""

import io
import json
import os
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from storefront.chat import create_ticket
from storefront.chat.ticket import TICKET_SECONDS, Ticket, hash_of, is_ticket, new_ticket
from storefront.chat.ticket_store import TicketStore
from storefront.shared import clock
from tools.testing.aws import Aws
from tools.testing.events import Context, rest_event


def ask(**claims: Any) -> dict[str, Any]:
    event = rest_event(customer="ada")
    event["requestContext"]["authorizer"]["claims"] |= claims
    answer = create_ticket.handler(event, Context())  # type: ignore[arg-type]
    assert answer["statusCode"] == 201
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def items(aws: Aws) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.dynamodb.scan(TableName=os.environ["CHAT_TABLE"])["Items"]
    return found


def test_a_ticket_has_256_random_bits() -> None:
    tickets = {new_ticket() for _ in range(1000)}

    assert len(tickets) == 1000
    assert all(is_ticket(ticket) for ticket in tickets)
    # Six bits to a character, the last of which holds four.
    assert {len(ticket) for ticket in tickets} == {43}
    assert len({ticket[position] for ticket in tickets for position in range(43)}) == 64


def test_a_ticket_is_answered_with_where_to_use_it_and_until_when(aws: Aws) -> None:
    before = clock.now()

    body = ask(name="Ada Customer")

    assert body.keys() == {"ticket", "expiresAt", "url"}
    assert body["url"].partition("?")[0] == os.environ["CHAT_URL"]
    assert parse_qs(urlsplit(body["url"]).query) == {"ticket": [body["ticket"]]}
    left = clock.from_text(body["expiresAt"]) - before
    assert timedelta(seconds=TICKET_SECONDS - 1) <= left <= timedelta(seconds=TICKET_SECONDS + 1)


def test_what_is_kept_is_a_hash_and_who_asked(aws: Aws) -> None:
    body = ask(name="Ada Customer", **{"cognito:groups": "[customers support]"})

    (item,) = items(aws)
    assert item.pop("expiresAt") == {"N": str(int(clock.from_text(body["expiresAt"]).timestamp()))}
    assert item == {
        "pk": {"S": f"ticket#{hash_of(body['ticket'])}"},
        "sk": {"S": "ticket"},
        "customer": {"S": "ada"},
        "name": {"S": "Ada Customer"},
        "group": {"S": "support"},
    }
    assert body["ticket"] not in json.dumps(items(aws))


def test_a_ticket_is_in_no_customer_s_index(aws: Aws) -> None:
    ask()

    assert aws.dynamodb.scan(TableName=os.environ["CHAT_TABLE"], IndexName="by-customer")["Items"] == []


def test_a_ticket_expires_in_seconds_not_milliseconds(aws: Aws) -> None:
    ask()

    (item,) = items(aws)
    assert re.fullmatch(r"\d{10}", item["expiresAt"]["N"])


def test_who_asks_twice_has_two_tickets(aws: Aws) -> None:
    assert ask()["ticket"] != ask()["ticket"]
    assert len(items(aws)) == 2


def test_nobody_gets_no_ticket(aws: Aws) -> None:
    answer = create_ticket.handler(rest_event(), Context())  # type: ignore[arg-type]

    assert answer["statusCode"] == 401
    assert items(aws) == []


def test_a_ticket_is_not_logged(aws: Aws, log: io.StringIO) -> None:
    body = ask(name="Name Canary")

    assert [secret for secret in (body["ticket"], hash_of(body["ticket"]), "Canary") if secret in log.getvalue()] == []


def test_what_was_kept_is_what_is_taken(aws: Aws) -> None:
    store = TicketStore(aws.dynamodb, os.environ["CHAT_TABLE"])
    text, now = new_ticket(), clock.now()
    ticket = Ticket.of("ada", "Åsa Ødegård", frozenset({"support"}), now)

    store.keep(text, ticket)

    assert store.consume(text, now) == ticket
    assert store.consume(text, now) is None


def test_a_ticket_is_bad_from_its_last_second_on(aws: Aws) -> None:
    store = TicketStore(aws.dynamodb, os.environ["CHAT_TABLE"])
    text, now = new_ticket(), datetime.fromisoformat("2026-11-20T12:00:00.900+00:00")
    ticket = Ticket.of("ada", "Ada", frozenset(), now)
    store.keep(text, ticket)

    assert store.consume(text, ticket.expires_at) is None
    assert store.consume(text, ticket.expires_at - timedelta(milliseconds=1)) == ticket


def test_a_ticket_is_good_for_a_minute_and_no_longer() -> None:
    now = datetime.fromisoformat("2026-11-20T12:00:00+00:00")

    assert Ticket.of("ada", "Ada", frozenset(), now).expires_at == now + timedelta(minutes=1)


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 43 + "\n", "A" * 42 + "=", None, 43])
def test_what_has_another_shape_is_no_ticket(text: object) -> None:
    assert not is_ticket(text)
