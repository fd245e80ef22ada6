"""How long what the chat stores is there: in seconds, since DynamoDB takes any other number for another time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from storefront.chat.connection import MAX_FRAME_BYTES, OPENING_TIME, Connection
from storefront.chat.message import Message
from storefront.chat.ticket import Ticket
from storefront.chat.ticket_store import TicketStore
from storefront.shared import clock
from tools.testing.chat import Chat

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADA = Connection("ada-1", "ada", "Ada", "customer", NOW)
MESSAGE = Message("m", "support", "ada", "Ada", "customer", "Hello", NOW, "c-1")


def _say(chat: Chat) -> None:
    chat.connections.open(ADA)
    chat.rooms.join(ADA, "support", NOW)
    chat.messages.add(MESSAGE, ADA.id)


def _join(chat: Chat) -> None:
    chat.connections.open(ADA)
    chat.rooms.join(ADA, "support", NOW + timedelta(hours=1))


def _give_ticket(chat: Chat) -> None:
    TicketStore(chat.dynamodb, "ChatTable").keep("text", Ticket.of("ada", "Ada", frozenset(), NOW))


ROWS: dict[str, tuple[Callable[[Chat], object], timedelta]] = {
    "ticket": (_give_ticket, timedelta(minutes=1)),
    # Two hours, after which the gateway ends a connection, and a margin.
    "connection": (lambda chat: chat.connections.open(ADA), timedelta(hours=2, minutes=10)),
    "connections": (lambda chat: chat.connections.open(ADA), timedelta(hours=2, minutes=10)),
    "member#ada-1": (_join, timedelta(hours=2, minutes=10)),
    "message#m": (_say, timedelta(days=30)),
    "sent#support#c-1": (_say, timedelta(days=1)),
    "status": (lambda chat: chat.versions.see("ord-1", 1, NOW), timedelta(days=30)),
}


@pytest.mark.parametrize(("sort_key", "write", "time"), [(name, *row) for name, row in ROWS.items()], ids=ROWS)
def test_a_row_expires_when_the_page_says(
    chat: Chat, sort_key: str, write: Callable[[Chat], object], time: timedelta
) -> None:
    write(chat)

    (row,) = (row for row in chat.dynamodb.scan(TableName="ChatTable")["Items"] if row["sk"]["S"] == sort_key)
    assert row["expiresAt"] == {"N": str(int((NOW + time).timestamp()))}


@pytest.mark.parametrize(("seconds", "opening"), [(0, True), (29, True), (30, False), (3600, False)])
def test_a_connection_may_be_opening_for_as_long_as_the_gateway_waits(chat: Chat, seconds: int, opening: bool) -> None:
    chat.connections.open(ADA)

    (found,) = chat.connections.of_customer("ada", NOW + timedelta(seconds=seconds))

    assert found.opening is opening


def test_a_connection_is_opening_longer_than_the_gateway_waits_for_a_function() -> None:
    # It waits 29 seconds.
    assert timedelta(seconds=29) <= OPENING_TIME < timedelta(minutes=1)


def test_a_frame_that_is_refused_for_its_size_still_comes_through_the_gateway() -> None:
    # It closes a connection over a frame of more than 32 KB.
    assert 30_000 <= MAX_FRAME_BYTES < 32 * 1024


def test_what_is_stored_is_found_until_the_second_in_which_it_expires(chat: Chat) -> None:
    chat.connections.open(ADA)

    def found(moment: datetime) -> int:
        return len(list(chat.connections.of_customer("ada", moment)))

    assert found(ADA.expires_at - timedelta(seconds=1)) == 1
    assert found(ADA.expires_at) == 0
    assert clock.to_text(ADA.expires_at) == "2026-11-20T14:10:00.000Z"
