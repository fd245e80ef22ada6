"""Each write and read of the chat's table, alone: the rows that it leaves are those that the next release reads."""

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storefront.chat.connection import Connection, Recipient
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.message import Message
from storefront.chat.message_store import StoredMessage
from storefront.shared.errors import Forbidden, Overloaded, TooManyRequests, Unprocessable
from storefront.shared.observability import metrics
from tools.testing.chat import Chat

NOW = datetime(2026, 11, 20, 12, 0, 1, 234_000, UTC)
DAY = timedelta(days=1)
ADA = Connection("ada-1", "ada", "Ada", "customer", NOW)
MESSAGE = Message("00000000000a-0000000000000000", "support", "ada", "Ada", "customer", "Grüße", NOW, "c-1")
Rows = dict[tuple[str, str], dict[str, Any]]


def rows(chat: Chat) -> Rows:
    """Return what is stored, by its key."""
    items = chat.dynamodb.scan(TableName="ChatTable")["Items"]
    return {(item.pop("pk")["S"], item.pop("sk")["S"]): item for item in items}


def seconds(moment: datetime) -> dict[str, str]:
    return {"N": str(int(moment.timestamp()))}


def frames(count: int, now: datetime = NOW) -> Rows:
    """Return the row that counts a user's frames."""
    window = int(now.timestamp()) // 10
    return {("customer#ada", f"frames#{window}"): {"frames": {"N": str(count)}, "expiresAt": {"N": f"{window + 1}0"}}}


def opened(*ids: str, at: datetime = NOW) -> Rows:
    """Return the row that lists a user's connections."""
    entries = [f"2026-11-20T12:00:01.234Z#{connection_id}" for connection_id in ids]
    return {
        ("customer#ada", "connections"): {
            **({"opened": {"SS": entries}} if entries else {}),
            "expiresAt": seconds(at + timedelta(hours=2, minutes=10)),
        }
    }


CONNECTION: Rows = {
    ("connection#ada-1", "connection"): {
        "customerId": {"S": "ada"},
        "name": {"S": "Ada"},
        "group": {"S": "customer"},
        "connectedAt": {"S": "2026-11-20T12:00:01.234Z"},
        "expiresAt": seconds(ADA.expires_at),
    }
}
MEMBER: Rows = {("room#support", "member#ada-1"): {"expiresAt": seconds(ADA.expires_at)}}
WRITTEN: Rows = {
    ("room#support", f"message#{MESSAGE.id}"): {
        "senderId": {"S": "ada"},
        "name": {"S": "Ada"},
        "group": {"S": "customer"},
        "text": {"S": "Grüße"},
        "sentAt": {"S": "2026-11-20T12:00:01.234Z"},
        "clientId": {"S": "c-1"},
        "expiresAt": seconds(NOW + 30 * DAY),
    },
    ("sender#ada", "sent#support#c-1"): {
        "messageId": {"S": MESSAGE.id},
        "textHash": {"S": hashlib.sha256("Grüße".encode()).hexdigest()},
        "sentAt": {"S": "2026-11-20T12:00:01.234Z"},
        "expiresAt": seconds(NOW + DAY),
    },
}


def in_rooms(*rooms: str) -> Rows:
    (key, row), *_ = CONNECTION.items()
    return {key: {**row, "rooms": {"SS": list(rooms)}}}


@pytest.fixture
def member(chat: Chat) -> Chat:
    """A chat with one connection, which is in one room."""
    chat.connections.open(ADA)
    chat.rooms.join(ADA, "support", NOW)
    return chat


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


def test_a_message_is_kept(member: Chat) -> None:
    assert member.messages.add(MESSAGE, "ada-1") == StoredMessage(MESSAGE, is_new=True)

    assert rows(member) == in_rooms("support") | MEMBER | opened("ada-1") | frames(2) | WRITTEN


def test_a_message_that_is_sent_again_is_the_first_and_counts_as_a_frame(member: Chat) -> None:
    member.messages.add(MESSAGE, "ada-1")
    again = replace(MESSAGE, id="00000000000b-0000000000000000", sent_at=NOW + timedelta(seconds=1))

    assert member.messages.add(again, "ada-1") == StoredMessage(MESSAGE, is_new=False)

    assert rows(member) == in_rooms("support") | MEMBER | opened("ada-1") | frames(3) | WRITTEN


def test_a_client_id_that_was_used_for_another_text_is_refused(member: Chat) -> None:
    member.messages.add(MESSAGE, "ada-1")

    with pytest.raises(Unprocessable) as refused:
        member.messages.add(replace(MESSAGE, text="Other"), "ada-1")

    assert refused.value.detail == (
        "This `clientId` was used for a message with another text. Use a new one for a new message."
    )
    assert rows(member) == in_rooms("support") | MEMBER | opened("ada-1") | frames(2) | WRITTEN


def test_a_client_id_is_free_again_in_the_second_in_which_it_expires(member: Chat) -> None:
    lasting = replace(ADA, id="ada-2", connected_at=NOW + DAY)
    member.messages.add(MESSAGE, "ada-1")
    member.connections.open(lasting)
    member.rooms.join(lasting, "support", NOW + DAY)
    later = replace(MESSAGE, id="00000000000b-0000000000000000", sent_at=NOW + DAY, text="Another")

    assert member.messages.add(later, "ada-2") == StoredMessage(later, is_new=True)


@pytest.mark.parametrize(("connection", "room"), [("ada-1", "other"), ("ada-2", "support")])
def test_a_message_is_for_those_in_the_room(member: Chat, connection: str, room: str) -> None:
    before = rows(member)

    with pytest.raises(Forbidden, match=r"^You are not in this room. Send `joinRoom` first.$"):
        member.messages.add(replace(MESSAGE, room=room), connection)
    with pytest.raises(Forbidden, match=r"^You are not in this room. Send `joinRoom` first.$"):
        member.messages.history(replace(ADA, id=connection), room, 10, None, NOW)

    assert rows(member) == before


def test_history_is_read_newest_first_in_pages(member: Chat) -> None:
    sent = [replace(MESSAGE, id=f"00000000000{number}-0", client_id=f"c-{number}") for number in range(5)]
    for message in sent:
        member.messages.add(message, "ada-1")

    assert member.messages.history(ADA, "support", 2, None, NOW) == ([sent[4], sent[3]], True)
    assert member.messages.history(ADA, "support", 2, sent[3].id, NOW) == ([sent[2], sent[1]], True)
    assert member.messages.history(ADA, "support", 2, sent[1].id, NOW) == ([sent[0]], False)
    assert member.messages.history(ADA, "support", 5, None, NOW) == (sent[::-1], False)
    (counted,) = (row["frames"] for (_, sk), row in rows(member).items() if sk.startswith("frames#"))
    assert counted == {"N": str(1 + 5 + 4)}


def test_history_leaves_out_what_has_expired(member: Chat) -> None:
    member.messages.add(MESSAGE, "ada-1")
    lasting = replace(ADA, id="ada-2", connected_at=NOW + 30 * DAY)
    member.connections.open(lasting)
    member.rooms.join(lasting, "support", NOW + 30 * DAY)

    assert member.messages.history(lasting, "support", 5, None, NOW + 30 * DAY) == ([], False)


def test_a_user_sends_twenty_frames_in_a_window(chat: Chat) -> None:
    for _ in range(20):
        chat.connections.count_frame("ada", NOW)

    with pytest.raises(TooManyRequests) as refused:
        chat.connections.count_frame("ada", NOW + timedelta(seconds=8))
    assert refused.value.detail == (
        "Too many frames. Send at most 20 in 10 seconds, over all your connections; this one was left out, send it "
        "again."
    )
    assert rows(chat) == frames(20)
    chat.connections.count_frame("ben", NOW)
    chat.connections.count_frame("ada", NOW + timedelta(seconds=9))


def test_a_frame_too_many_writes_nothing_else(member: Chat) -> None:
    for _ in range(19):
        member.connections.count_frame("ada", NOW)
    before = rows(member)

    writes: list[Any] = [
        lambda: member.messages.add(MESSAGE, "ada-1"),
        lambda: member.messages.history(ADA, "support", 1, None, NOW),
        lambda: member.rooms.join(ADA, "other", NOW),
        lambda: member.rooms.leave(ADA, "support", NOW),
    ]
    for write in writes:
        with pytest.raises(TooManyRequests, match="Send at most 20 in 10 seconds"):
            write()

    assert rows(member) == before


def test_the_newest_version_of_an_order_is_kept(chat: Chat) -> None:
    assert chat.versions.see("ord-1", 2, NOW)
    assert rows(chat) == {("order#ord-1", "status"): {"version": {"N": "2"}, "expiresAt": seconds(NOW + 30 * DAY)}}

    assert not chat.versions.see("ord-1", 1, NOW)
    assert chat.versions.see("ord-1", 2, NOW)
    assert chat.versions.see("ord-1", 3, NOW)
    assert chat.versions.see("ord-2", 1, NOW)
    assert not chat.versions.see("ord-1", 1, NOW + 30 * DAY - timedelta(seconds=2))
    assert chat.versions.see("ord-1", 1, NOW + 30 * DAY)
