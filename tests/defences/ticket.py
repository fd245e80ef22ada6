"""Attacks on the tickets to the chat."""

import os
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any
from unittest.mock import patch

from storefront.chat import ticket_store
from storefront.chat.ticket import Ticket, new_ticket
from storefront.shared import clock
from tests.defences.defence import Defence

TICKETS = "storefront.chat.ticket"
STORE = "storefront.chat.ticket_store"
AUTHORIZER = "storefront.chat.authorize_connection"
ARN = "arn:aws:execute-api:eu-west-1:123456789012:chat/prod/$connect"
NOW = clock.now()


class Refused(Exception):
    """The attack does not get through."""


def let_in(good: bool) -> None:
    if not good:
        raise Refused


class Table:
    """As much of a table as tickets need: it knows this one condition, and deletes without one."""

    class exceptions:  # noqa: N801 - the name that botocore's clients have
        """The errors that it knows."""

        class ConditionalCheckFailedException(Exception):
            """The condition does not hold."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803 - DynamoDB's names
        self.items[Item["pk"]["S"]] = Item

    def delete_item(self, *, Key: dict[str, Any], **call: Any) -> dict[str, Any]:  # noqa: N803 - DynamoDB's names
        item = self.items.get(Key["pk"]["S"])
        if "ConditionExpression" in call:
            assert call["ConditionExpression"] == "expiresAt > :now"
            now = int(call["ExpressionAttributeValues"][":now"]["N"])
            if item is None or int(item["expiresAt"]["N"]) <= now:
                raise self.exceptions.ConditionalCheckFailedException
        return {"Attributes": self.items.pop(Key["pk"]["S"])}


def store(module: ModuleType, now: datetime = NOW) -> tuple[Any, Table, str]:
    table, text = Table(), new_ticket()
    tickets = module.TicketStore(table, "ChatTable")
    tickets.keep(text, Ticket.of("ada", "Ada", frozenset(), now))
    return tickets, table, text


def authorizer(module: ModuleType, ticket: str, *origins: str) -> bool:
    tickets, _, text = store(ticket_store, clock.now())
    event = {
        "methodArn": ARN,
        "multiValueHeaders": {"Origin": list(origins)},
        "queryStringParameters": {"ticket": ticket or text},
    }
    with patch.dict(vars(module), {"_tickets": tickets}):
        answer = module._answer(event)
    return str(answer["policyDocument"]["Statement"][0]["Effect"]) == "Allow"


def after_its_minute(module: ModuleType) -> None:
    tickets, _, text = store(module)
    let_in(tickets.consume(text, NOW + timedelta(seconds=61)) is not None)


def read_in_the_table(module: ModuleType) -> None:
    _, table, text = store(module)
    let_in(text in str(table.items))


def as_support_without_the_group(module: ModuleType) -> None:
    let_in(module.Ticket.of("ada", "Ada", frozenset({"customers"}), NOW).group == "support")


def in_another_minute(module: ModuleType) -> None:
    let_in(module.Ticket.of("ada", "Ada", frozenset(), NOW).expires_at > NOW + timedelta(minutes=1))


def with_a_line_break(module: ModuleType) -> None:
    let_in(module.is_ticket(new_ticket() + "\n"))


def from_another_page(module: ModuleType) -> None:
    let_in(authorizer(module, "", "https://evil.example"))


def behind_an_allowed_origin(module: ModuleType) -> None:
    allowed = os.environ["CHAT_ALLOWED_ORIGINS"].split(",")[0]
    let_in(authorizer(module, "", allowed, "https://evil.example"))


DEFENCES = (
    Defence(
        "a ticket has not expired, whether or not the table has dropped it",
        STORE,
        'ConditionExpression="expiresAt > :now",',
        "",
        after_its_minute,
        Refused,
    ),
    Defence("what is kept of a ticket is its hash", STORE, "hash_of(text)", "text", read_in_the_table, Refused),
    Defence(
        "support is who is in the group",
        TICKETS,
        "SUPPORT if SUPPORT in groups else CUSTOMER",
        "SUPPORT",
        as_support_without_the_group,
        Refused,
    ),
    Defence(
        "a ticket is good for a minute",
        TICKETS,
        "TICKET_SECONDS = 60",
        "TICKET_SECONDS = 3600",
        in_another_minute,
        Refused,
    ),
    Defence(
        "a ticket is exactly of its shape",
        TICKETS,
        "re.fullmatch(TICKET_PATTERN, text)",
        "re.match(TICKET_PATTERN, text)",
        with_a_line_break,
        Refused,
    ),
    Defence(
        "the page may open the chat",
        AUTHORIZER,
        "if not _is_from_an_allowed_page(event):",
        "if False:",
        from_another_page,
        Refused,
    ),
    Defence(
        "every origin is on the list",
        AUTHORIZER,
        "all(origin in _allowed_origins for origin in origins)",
        "any(origin in _allowed_origins for origin in origins)",
        behind_an_allowed_origin,
        Refused,
    ),
)
