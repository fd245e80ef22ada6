"""Each write and read of messages, frames and versions of orders, alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storefront.chat.message_store import StoredMessage
from storefront.shared.errors import Forbidden, TooManyRequests, Unprocessable
from tests.unit.chat.rows import ADA, DAY, MEMBER, MESSAGE, NOW, WRITTEN, frames, in_rooms, opened, rows, seconds
from tools.testing.chat import Chat


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
