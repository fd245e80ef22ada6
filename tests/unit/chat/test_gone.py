"""A connection that is found gone is deleted from the table and from its rooms."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storefront.chat import deliver_order_status, leave_room, refuse_frame
from storefront.chat.connection import OPENING_TIME
from storefront.shared import clock
from tools.testing.chat import Chat, Client, send
from tools.testing.events import Context, sqs_record

ADA = Client("ada-1")


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (leave_room.handler, {"action": "leaveRoom", "requestId": "r-1", "room": "another"}),
        (refuse_frame.handler, "x"),
    ],
)
def test_an_answer_that_nobody_takes_ends_the_membership_in_other_rooms(chat: Chat, handler: Any, body: Any) -> None:
    # given somebody in a room, whose connection goes
    chat.connect(ADA, room="support")
    chat.gone = {ADA.connection_id}

    # when a frame of theirs, which is not about that room, is answered
    assert send(handler, ADA, body) == {"statusCode": 200}

    # then nothing is left of them
    assert chat.rows() == set()


def test_an_order_status_reaches_who_is_there_and_removes_who_is_gone_from_their_rooms(chat: Chat) -> None:
    # given two connections of a customer in a room, one of them gone
    since = clock.now() - 2 * OPENING_TIME
    here, gone = (replace(ADA, connection_id=name, connected_at=since) for name in ("here", "gone"))
    chat.connect(here, gone, room="support")
    chat.gone = {"gone"}

    # when the status of an order of theirs comes
    detail = {
        "schemaVersion": 1,
        "orderId": "ord-1",
        "customerId": ADA.customer,
        "status": "CONFIRMED",
        "version": 3,
        "occurredAt": clock.to_text(since + timedelta(seconds=1)),
        "correlationId": "the-request",
    }
    answer = deliver_order_status.handler({"Records": [sqs_record({"detail": detail})]}, Context())  # type: ignore[arg-type]

    # then it reaches the one, and of the other nothing is left
    assert answer == {"batchItemFailures": []}
    assert [frame["orderId"] for frame in chat.got("here", "orderStatus")] == ["ord-1"]
    assert chat.rows("room#") == {("room#support", "member#here")}
    assert chat.rows("connection#") == {("connection#here", "connection")}


@pytest.mark.parametrize(("milliseconds", "removed"), [(1_000, False), (5_000, True)])
def test_a_connection_that_is_gone_is_left_to_the_next_where_there_is_no_time(
    chat: Chat, milliseconds: int, removed: bool
) -> None:
    chat.connect(ADA, room="support")
    chat.gone = {ADA.connection_id}

    assert send(refuse_frame.handler, ADA, "x", milliseconds=milliseconds) == {"statusCode": 200}

    assert (chat.rows() == set()) is removed
