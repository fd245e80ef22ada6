"""Each write and read of connections and rooms, alone."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from storefront.chat.connection import Recipient
from storefront.chat.connection_store import ConnectionStore
from storefront.shared.errors import Forbidden, Overloaded, Unprocessable
from storefront.shared.observability import metrics
from tests.unit.chat.rows import ADA, CONNECTION, MEMBER, NOW, frames, in_rooms, opened, rows
from tools.testing.chat import Chat


def test_a_connection_opens_and_closes(chat: Chat) -> None:
    chat.connections.open(ADA)
    assert rows(chat) == CONNECTION | opened("ada-1")

    chat.connections.close("ada-1")
    assert rows(chat) == opened()
    # It may be gone already.
    chat.connections.close("ada-1")
    assert rows(chat) == opened()


def test_a_connection_too_many_ends_the_oldest(chat: Chat) -> None:
    for number in range(11):
        chat.connections.open(replace(ADA, id=f"ada-{number}", connected_at=NOW + number * timedelta(seconds=1)))

    left = rows(chat)
    (listed,) = (row["opened"]["SS"] for (pk, sk), row in left.items() if sk == "connections")
    ids = [f"ada-{number}" for number in range(1, 11)]
    assert sorted(entry.partition("#")[2] for entry in listed) == sorted(ids)
    assert {pk for pk, sk in left if sk == "connection"} == {f"connection#{each}" for each in ids}


def test_where_the_oldest_cannot_end_a_connection_too_many_does_not_open(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        chat.connections.open(replace(ADA, id=f"ada-{number}"))
    before = rows(chat)
    monkeypatch.setattr(ConnectionStore, "_end", lambda *_: None)

    with pytest.raises(Overloaded, match=r"^a user opens connections faster than their oldest can end$"):
        chat.connections.open(replace(ADA, id="ada-10"))

    assert rows(chat) == before


def test_a_room_is_joined_and_left(member: Chat) -> None:
    assert rows(member) == in_rooms("support") | MEMBER | opened("ada-1") | frames(1)

    member.rooms.leave(ADA, "support", NOW)
    assert rows(member) == CONNECTION | opened("ada-1") | frames(2)


def test_a_connection_goes_with_its_rooms_and_those_it_was_seen_in(member: Chat) -> None:
    member.dynamodb.put_item(TableName="ChatTable", Item={"pk": {"S": "room#seen"}, "sk": {"S": "member#ada-1"}})

    member.connections.close("ada-1", "seen")

    assert rows(member) == opened() | frames(1)


def test_a_connection_closes_though_the_list_of_its_user_is_gone(chat: Chat) -> None:
    chat.connections.open(ADA)
    chat.dynamodb.delete_item(TableName="ChatTable", Key={"pk": {"S": "customer#ada"}, "sk": {"S": "connections"}})

    chat.connections.close("ada-1")

    assert rows(chat) == {}


@pytest.mark.parametrize(("rooms", "calls"), [(0, 0), (1, 1), (25, 1), (26, 2)])
def test_memberships_are_deleted_by_twenty_fives(chat: Chat, rooms: int, calls: int) -> None:
    chat.connections.close("ada-1", *(f"room-{number}" for number in range(rooms)))

    assert chat.calls.count("BatchWriteItem") == calls


def test_a_connection_is_in_twenty_rooms_at_most(member: Chat) -> None:
    for number in range(19):
        member.rooms.join(ADA, f"room-{number}", NOW + timedelta(seconds=10 * number))
    later = NOW + timedelta(minutes=30)

    with pytest.raises(Unprocessable) as refused:
        member.rooms.join(ADA, "one-more", later)

    assert refused.value.detail == (
        "You are in 20 rooms, and no connection may be in more. Send `leaveRoom` for one first."
    )
    member.rooms.join(ADA, "room-7", later)


@pytest.mark.parametrize("gone", [True, False])
def test_a_connection_that_has_ended_joins_and_leaves_nothing(member: Chat, gone: bool) -> None:
    if gone:
        member.connections.close("ada-1")
    # Else its time is over, in this second.
    now = NOW if gone else ADA.expires_at
    before = rows(member)

    for write in (member.rooms.join, member.rooms.leave):
        with pytest.raises(Forbidden, match=r"^This connection has ended. Open a new one, with a new ticket.$"):
            write(ADA, "support", now)

    assert rows(member) == before


def test_the_members_of_a_room_are_read(member: Chat) -> None:
    assert list(member.rooms.members("support", NOW)) == [[Recipient("ada-1")]]
    assert list(member.rooms.members("support", ADA.expires_at)) == [[Recipient("ada-1", expired=True)]]
    assert list(member.rooms.members("other", NOW)) == [[]]


def test_the_open_connections_of_a_customer_are_read(chat: Chat) -> None:
    chat.connections.open(ADA)

    assert list(chat.connections.of_customer("ada", NOW + timedelta(seconds=29))) == [Recipient("ada-1", opening=True)]
    assert list(chat.connections.of_customer("ada", NOW + timedelta(seconds=31))) == [Recipient("ada-1")]
    assert list(chat.connections.of_customer("ada", ADA.expires_at)) == []
    assert list(chat.connections.of_customer("ben", NOW)) == []


def test_a_connection_that_cannot_be_read_is_skipped_and_told(chat: Chat, log: io.StringIO) -> None:
    key = {"pk": {"S": "connection#ada-2"}, "sk": {"S": "connection"}}
    chat.connections.open(ADA)
    half_a_second = {"customerId": {"S": "ada"}, "expiresAt": {"N": "9999999999.5"}}
    chat.dynamodb.put_item(TableName="ChatTable", Item=key | half_a_second)

    assert [each.connection_id for each in chat.connections.of_customer("ada", NOW)] == ["ada-1"]

    assert json.loads(log.getvalue())["key"] == key
    metrics.clear_metrics()
