"""The frames of the chat as clients read them, and its keys as the next release finds them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storefront.chat import frame, table
from storefront.chat.connection import Connection, connection_of
from storefront.chat.message import Message, new_message_id
from storefront.chat.order_status import OrderStatus, order_status_of
from storefront.shared.queue import MalformedMessage

TIME = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
MESSAGE = Message("m-1", "support", "ada", "Ada", "customer", "Grüße", TIME, "c-1")
WRITTEN = (
    '"messageId":"m-1","sender":{"name":"Ada","group":"customer"},"text":"Grüße","sentAt":"2026-01-02T03:04:05.678Z"'
)
PROBLEM = {"status": 403}


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (lambda: frame.joined("r-1", "support"), '{"event":"joined","requestId":"r-1","room":"support"}'),
        (lambda: frame.left("r-1", "support"), '{"event":"left","requestId":"r-1","room":"support"}'),
        (lambda: frame.pong("r-1"), '{"event":"pong","requestId":"r-1"}'),
        (lambda: frame.error("r-1", PROBLEM), '{"event":"error","requestId":"r-1","status":403}'),
        (lambda: frame.error(None, PROBLEM), '{"event":"error","requestId":null,"status":403}'),
        (
            lambda: frame.sent("r-1", MESSAGE),
            '{"event":"sent","requestId":"r-1","room":"support","messageId":"m-1","clientId":"c-1",'
            '"sentAt":"2026-01-02T03:04:05.678Z"}',
        ),
        (lambda: frame.message_in_room(MESSAGE), f'{{"event":"message","room":"support",{WRITTEN}}}'),
        (
            lambda: frame.history("r-1", "support", [MESSAGE], more=False),
            f'{{"event":"history","requestId":"r-1","room":"support","messages":[{{{WRITTEN}}}]}}',
        ),
        (
            lambda: frame.history("r-1", "support", [MESSAGE], more=True),
            f'{{"event":"history","requestId":"r-1","room":"support","messages":[{{{WRITTEN}}}],"before":"m-1"}}',
        ),
        (
            lambda: frame.history("r-1", "support", [], more=False),
            '{"event":"history","requestId":"r-1","room":"support","messages":[]}',
        ),
    ],
)
def test_a_frame_is_what_clients_read(write: Callable[[], frame.Frame], text: str) -> None:
    assert frame.encoded(write()) == text.encode()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_page_of_history_is_cut_at_the_largest_frame(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    # With the longest `before`, whether or not there will be one.
    longest = frame.encoded({**frame.history("r-1", "support", [MESSAGE] * count, more=False), "before": "0" * 29})
    # The sum counts a comma with each message; one of them is not written.
    monkeypatch.setattr(frame, "MAX_FRAME_BYTES", len(longest) + 1)
    fits = frame.history("r-1", "support", [MESSAGE] * 5, more=False)
    monkeypatch.setattr(frame, "MAX_FRAME_BYTES", len(longest))
    fits_not = frame.history("r-1", "support", [MESSAGE] * 5, more=False)

    assert (len(fits["messages"]), len(fits_not["messages"])) == (count, count - 1)
    assert fits["before"] == fits_not["before"] == "m-1"


@pytest.mark.parametrize(
    ("key_of", "pk", "sk"),
    [
        (lambda: table.connection_key("c-1"), "connection#c-1", "connection"),
        (lambda: table.customer_key("ada", "frames#7"), "customer#ada", "frames#7"),
        (lambda: table.member_key("support", "c-1"), "room#support", "member#c-1"),
    ],
)
def test_a_row_is_where_the_next_release_finds_it(key_of: Callable[[], table.Row], pk: str, sk: str) -> None:
    key = key_of()

    assert key == {"pk": {"S": pk}, "sk": {"S": sk}}
    assert table.log_key({**key, "text": {"S": "canary"}}) == key


def test_a_row_is_there_until_the_second_in_which_it_expires() -> None:
    row = {"expiresAt": table.seconds(TIME)}

    assert row == {"expiresAt": {"N": str(int(TIME.timestamp()))}}
    assert table.is_there(row, TIME.replace(microsecond=0) - timedelta(microseconds=1))
    assert not table.is_there(row, TIME.replace(microsecond=0))
    assert not table.is_there({}, TIME)


def test_a_message_id_sorts_by_time_and_is_no_other_s() -> None:
    ids = [new_message_id(TIME + timedelta(milliseconds=number)) for number in range(3)]

    assert sorted(ids) == ids
    assert ids[0].startswith(f"{int(TIME.timestamp() * 1000):012x}-")
    assert all(len(each) == 12 + 1 + 16 for each in ids)
    assert new_message_id(TIME) != new_message_id(TIME)


def test_a_connection_is_whose_the_authorizer_says_for_two_hours_and_a_little_more() -> None:
    context: dict[str, Any] = {
        "connectionId": "c-1",
        "connectedAt": int(TIME.timestamp() * 1000),
        "authorizer": {"customerId": "ada", "name": "Ad%C3%A1", "group": "support"},
    }

    connection = connection_of({"requestContext": context})

    assert connection == Connection("c-1", "ada", "Adá", "support", TIME)
    assert connection.expires_at == TIME + timedelta(hours=2, minutes=10)


DETAIL = {
    "schemaVersion": 1,
    "orderId": "ord-1",
    "customerId": "ada",
    "status": "REJECTED",
    "version": 3,
    "occurredAt": "2026-01-02T03:04:05.678Z",
    "correlationId": "the-request",
}


def test_an_order_event_becomes_a_frame() -> None:
    event = {**DETAIL, "rejectionReason": "OUT_OF_STOCK", "priority": "of the next version"}

    status = order_status_of({"body": json.dumps({"detail": event})})

    assert status == OrderStatus(
        "ord-1", "ada", "REJECTED", 3, "2026-01-02T03:04:05.678Z", "OUT_OF_STOCK", "the-request"
    )
    assert status.to_frame() == {
        "event": "orderStatus",
        "orderId": "ord-1",
        "status": "REJECTED",
        "version": 3,
        "occurredAt": "2026-01-02T03:04:05.678Z",
        "rejectionReason": "OUT_OF_STOCK",
    }


def test_an_order_event_without_a_reason_becomes_a_frame_without_one() -> None:
    assert "rejectionReason" not in order_status_of({"body": json.dumps({"detail": DETAIL})}).to_frame()


@pytest.mark.parametrize("name", DETAIL)
@pytest.mark.parametrize("value", [None, "", 2.5, False, ["text"]], ids=str)
def test_an_order_event_with_a_part_of_another_kind_is_malformed(name: str, value: Any) -> None:
    with pytest.raises(MalformedMessage):
        order_status_of({"body": json.dumps({"detail": {**DETAIL, name: value}})})


@pytest.mark.parametrize("name", DETAIL)
def test_an_order_event_without_a_part_is_malformed(name: str) -> None:
    detail = {part: value for part, value in DETAIL.items() if part != name}

    with pytest.raises(MalformedMessage):
        order_status_of({"body": json.dumps({"detail": detail})})


@pytest.mark.parametrize("body", ["", "not JSON", "[]", "null", '{"detail":[]}', '{"detail":null}', "[" * 100_000])
def test_what_is_not_an_order_event_is_malformed(body: str) -> None:
    with pytest.raises(MalformedMessage):
        order_status_of({"body": body})
