"""Connections and rooms: who may enter, and that nothing is left behind."""

from collections import Counter
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from storefront.chat import close_connection, join_room, leave_room, open_connection
from storefront.chat.connection import CONNECTION_TIME, MAX_FRAMES, MAX_ROOMS, OPENING_TIME, Recipient
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.room import may_enter
from storefront.chat.room_store import RoomStore
from storefront.shared import clock
from tests.support.faults import aws_error, crash, every_position
from tools.testing.chat import Chat, Client, send
from tools.testing.events import Context

ORDER = "ord-" + "a" * 32
ROOM = f"order-{ORDER}"
OTHERS = "order-ord-" + "b" * 32
OK = {"statusCode": 200}
ADA = Client("ada-1")
BOB = Client("bob-1", "bob")
SUE = Client("sue-1", "sue", group="support")


def join(room: Any, **changes: Any) -> dict[str, Any]:
    return {"action": "joinRoom", "requestId": "r-1", "room": room, **changes}


def leave(room: Any) -> dict[str, Any]:
    return {"action": "leaveRoom", "requestId": "r-1", "room": room}


@pytest.fixture
def chat(chat: Chat) -> Chat:
    """A chat in which Ada has an order."""
    key = {"customerId": {"S": "ada"}, "orderId": {"S": ORDER}}
    order = {
        **key,
        "status": {"S": "PENDING"},
        "version": {"N": "1"},
        "acceptedAt": {"S": "2026-11-20T12:00:00.000Z"},
        "updatedAt": {"S": "2026-11-20T12:00:00.000Z"},
        "currency": {"S": "EUR"},
        "lines": {"L": []},
        "requestHash": {"S": "x"},
        "correlationId": {"S": "x"},
        "reviews": {"N": "0"},
    }
    chat.dynamodb.put_item(TableName="OrdersTable", Item=order)
    return chat


def test_a_connection_is_one_write_and_ends_with_its_rooms(chat: Chat) -> None:
    chat.calls.clear()
    assert send(open_connection.handler, ADA) == OK
    assert chat.calls == ["TransactWriteItems"]
    (row,) = (row for row in chat.dynamodb.scan(TableName="ChatTable")["Items"] if "customerId" in row)
    seconds = int((ADA.connected_at + CONNECTION_TIME).timestamp())
    assert row["expiresAt"] == {"N": str(seconds)}
    assert row["customerId"] == {"S": "ada"}

    for room in ("support", ROOM):
        send(join_room.handler, ADA, join(room))
    assert chat.rows("room#") == {("room#support", "member#ada-1"), (f"room#{ROOM}", "member#ada-1")}

    assert send(close_connection.handler, ADA) == OK
    assert chat.rows() == set()
    assert send(close_connection.handler, ADA) == OK
    assert chat.rows() == set()


@pytest.mark.parametrize("function", [open_connection, close_connection])
def test_a_frame_that_names_a_route_of_the_gateway_s_changes_nothing(chat: Chat, function: ModuleType) -> None:
    chat.connect(ADA, room="support")
    before = chat.rows()
    frame = ADA.event("$connect", {"action": "$connect", "requestId": "r-1"})
    frame["requestContext"]["eventType"] = "MESSAGE"

    assert function.handler(frame, Context()) == {"statusCode": 200}

    assert chat.rows() == before
    # It has no answer, but it counts.
    assert [call for call in chat.calls if call != "Scan"] == ["UpdateItem"]


@pytest.mark.parametrize("function", [open_connection, close_connection])
def test_frames_that_name_the_gateway_s_routes_too_fast_are_no_failure_of_ours(
    chat: Chat, function: ModuleType
) -> None:
    now = clock.now()
    for _ in range(MAX_FRAMES):
        chat.connections.count_frame("ada", now)
    frame = ADA.event("$connect", {"action": "$connect", "requestId": "r-1"})
    frame["requestContext"]["eventType"] = "MESSAGE"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: now)
        assert function.handler(frame, Context()) == OK


def test_a_connection_that_cannot_be_noted_is_not_let_in(chat: Chat) -> None:
    for code, status in (("AccessDeniedException", 500), ("ThrottlingException", 503)):

        def fail(code: str = code) -> None:
            raise aws_error(code)

        chat.before["TransactWriteItems"] = fail
        assert send(open_connection.handler, ADA) == {"statusCode": status}


@pytest.mark.parametrize(
    ("client", "room", "let_in"),
    [
        (ADA, "support", True),
        (BOB, "support", True),
        (SUE, "support", True),
        (ADA, ROOM, True),
        (BOB, ROOM, False),
        (SUE, ROOM, True),
        (ADA, OTHERS, False),
        (SUE, OTHERS, True),
        (ADA, "lobby", False),
        (SUE, "lobby", False),
        (SUE, "order-", False),
        (SUE, "order-1", False),
        (SUE, ORDER, False),
    ],
)
def test_who_may_enter_which_room(chat: Chat, client: Client, room: str, let_in: bool) -> None:
    chat.connect(client)

    assert send(join_room.handler, client, join(room)) == OK

    (answer,) = chat.got(client.connection_id)
    if let_in:
        assert answer == {"event": "joined", "requestId": "r-1", "room": room}
    else:
        assert (answer["event"], answer["status"]) == ("error", 403)
    assert bool(chat.rows("room#")) == let_in


def test_the_room_of_somebody_else_s_order_looks_like_that_of_no_order(chat: Chat) -> None:
    chat.connect(BOB)
    calls = []
    for room in (ROOM, OTHERS):
        chat.calls.clear()
        send(join_room.handler, BOB, join(room))
        calls.append(list(chat.calls))

    others, none = chat.got("bob-1")
    assert others == none
    assert calls[0] == calls[1]


def test_an_order_is_looked_up_only_where_it_decides() -> None:
    def fail(order_id: str) -> bool:
        pytest.fail("asked")

    assert may_enter("support", "customer", fail)
    assert may_enter(ROOM, "support", fail)
    assert not may_enter("order-1", "customer", fail)


@pytest.mark.parametrize(
    ("handler", "frame", "calls"),
    [
        (join_room.handler, join("support"), {"TransactWriteItems": 1, "PostToConnection": 1}),
        (join_room.handler, join(ROOM), {"GetItem": 1, "TransactWriteItems": 1, "PostToConnection": 1}),
        (leave_room.handler, leave("support"), {"TransactWriteItems": 1, "PostToConnection": 1}),
    ],
)
def test_what_joining_and_leaving_cost(chat: Chat, handler: Any, frame: Any, calls: dict[str, int]) -> None:
    chat.connect(ADA)
    send(handler, ADA, frame)
    assert Counter(chat.calls) == calls


def test_a_room_can_be_joined_and_left_twice(chat: Chat) -> None:
    chat.connect(ADA)

    for _ in range(2):
        send(join_room.handler, ADA, join("support"))
    assert chat.rows("room#") == {("room#support", "member#ada-1")}
    for _ in range(2):
        send(leave_room.handler, ADA, leave("support"))

    assert chat.rows("room#") == set()
    assert [frame["event"] for frame in chat.got("ada-1")] == ["joined", "joined", "left", "left"]
    assert chat.got("ada-1")[-1] == {"event": "left", "requestId": "r-1", "room": "support"}
    assert chat.rows("connection#") == {("connection#ada-1", "connection")}


def test_a_connection_has_a_most_of_rooms(chat: Chat) -> None:
    chat.connect(SUE)
    for number in range(MAX_ROOMS):
        chat.rooms.join(SUE.connection, f"room-{number}", SUE.connected_at - timedelta(seconds=20 * number))

    send(join_room.handler, SUE, join(ROOM))
    assert chat.got("sue-1")[-1]["status"] == 422
    assert "leaveRoom" in chat.got("sue-1")[-1]["detail"]
    # A room that it is in already does not count twice.
    chat.rooms.join(SUE.connection, "room-0", clock.now())
    assert len(chat.rows("room#")) == MAX_ROOMS

    # And all of them go with the connection.
    chat.connections.close("sue-1")
    assert chat.rows() == set()


def test_a_join_that_meets_a_disconnect_leaves_no_row(chat: Chat) -> None:
    """The disconnect happens before, or after, every call that joining makes."""
    for after in (False, True):
        for trigger in every_position(lambda: chat.connections.close("ada-1"), after=after):
            chat.connect(ADA)
            rooms = RoomStore(trigger.watch(chat.dynamodb), "ChatTable")
            try:
                rooms.join(ADA.connection, "support", clock.now())
            except Exception as refused:
                assert type(refused).__name__ == "Forbidden"
            if trigger.reached:
                assert chat.rows() == set()
            chat.connections.close("ada-1")


def test_a_disconnect_that_meets_a_join_leaves_no_row(chat: Chat) -> None:
    def join_late() -> None:
        try:
            chat.rooms.join(ADA.connection, "support", clock.now())
        except Exception as refused:
            assert type(refused).__name__ == "Forbidden"

    for after in (False, True):
        for trigger in every_position(join_late, after=after):
            chat.connect(ADA, room="other")
            ConnectionStore(trigger.watch(chat.dynamodb), "ChatTable").close("ada-1")
            assert chat.rows() == set()


def test_a_disconnect_that_is_cut_short_is_finished_by_whoever_meets_its_row(chat: Chat) -> None:
    for trigger in every_position(crash, after=True):
        chat.connect(ADA, room="support")
        try:
            ConnectionStore(trigger.watch(chat.dynamodb), "ChatTable").close("ada-1")
        except BaseException as crashed:
            assert type(crashed).__name__ == "Crash"
        chat.connections.close("ada-1", "support")
        assert chat.rows() == set()


@pytest.mark.parametrize(("handler", "frame"), [(join_room.handler, join("support")), (leave_room.handler, leave("x"))])
def test_a_connection_that_has_ended_is_not_brought_back(chat: Chat, handler: Any, frame: Any) -> None:
    send(handler, ADA, frame)

    assert chat.got("ada-1")[-1]["status"] == 403
    assert chat.rows() == set()


@pytest.mark.parametrize(("handler", "frame"), [(join_room.handler, join("support")), (leave_room.handler, leave("x"))])
def test_a_connection_whose_time_is_over_counts_as_ended(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, handler: Any, frame: Any
) -> None:
    chat.connect(ADA)
    monkeypatch.setattr(clock, "now", lambda: ADA.connection.expires_at)

    send(handler, ADA, frame)

    assert chat.got("ada-1")[-1]["status"] == 403
    assert chat.rows("room#") == set()


def test_the_connections_of_a_customer_are_those_that_are_open(chat: Chat) -> None:
    old = Client("ada-0", connected_at=clock.now() - CONNECTION_TIME)
    settled = Client("ada-2", connected_at=clock.now() - OPENING_TIME)
    chat.connect(old, Client("ada-1"), settled, BOB)

    found = chat.connections.of_customer("ada", clock.now())

    assert sorted(found, key=str) == [Recipient("ada-1", opening=True), Recipient("ada-2", opening=False)]


def test_a_disconnect_that_meets_a_join_is_made_after_it(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    chat.connect(ADA, room="support")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    chat.before["DeleteItem"] = meeting_a_transaction

    assert send(close_connection.handler, ADA) == OK

    assert chat.rows() == set()


def meeting_a_transaction() -> None:
    raise aws_error("TransactionConflictException")


def test_an_older_version_of_an_order_is_not_told_and_the_same_one_again(chat: Chat) -> None:
    now = clock.now()

    seen = [chat.versions.see(ORDER, version, now) for version in (2, 2, 1, 3, 2)]

    assert seen == [True, True, False, True, False]
    assert chat.versions.see(ORDER, 1, now + timedelta(days=30))


def test_rows_that_dynamodb_does_not_take_at_once_are_deleted_in_the_end(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.connect(ADA, room="support")
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    class Busy:
        left = 2

        def __getattr__(self, name: str) -> Any:
            return getattr(chat.dynamodb, name)

        def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
            self.left -= 1
            if self.left >= 0:
                return {"UnprocessedItems": RequestItems}
            return chat.dynamodb.batch_write_item(RequestItems=RequestItems)

    ConnectionStore(Busy(), "ChatTable").close("ada-1")  # type: ignore[arg-type]

    assert chat.rows() == set()
