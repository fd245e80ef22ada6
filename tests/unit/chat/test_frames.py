"""Frames that come in: what is wrong with them is said in an error frame, and the connection is kept."""

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storefront.chat import (
    answer_ping,
    close_connection,
    join_room,
    leave_room,
    open_connection,
    refuse_frame,
    send_message,
    show_history,
)
from storefront.chat.connection import MAX_FRAME_BYTES, MAX_FRAMES, WINDOW_SECONDS
from storefront.chat.message_store import MessageStore
from storefront.shared import clock
from tests.support.faults import aws_error
from tests.support.ids import shown
from tests.support.prose import is_prose
from tools.testing.chat import Chat, Client, message, send

ADA = Client("ada-1", name="name-canary")
OK = {"statusCode": 200}
CANARY = "input-canary"
HANDLERS = {
    "joinRoom": join_room.handler,
    "leaveRoom": leave_room.handler,
    "sendMessage": send_message.handler,
    "history": show_history.handler,
    "ping": answer_ping.handler,
}
GOOD: dict[str, dict[str, Any]] = {
    "joinRoom": {"action": "joinRoom", "requestId": "r-1", "room": "support"},
    "leaveRoom": {"action": "leaveRoom", "requestId": "r-1", "room": "support"},
    "sendMessage": message(),
    "history": {"action": "history", "requestId": "r-1", "room": "support"},
    "ping": {"action": "ping", "requestId": "r-1"},
}


def refused(chat: Chat, handler: Any, body: Any) -> dict[str, Any]:
    """Return the error frame that a frame is answered with."""
    assert send(handler, ADA, body) == OK
    _, answer = chat.posts[-1]
    assert answer.keys() == {"event", "requestId", "type", "title", "status", "detail", "instance"}
    assert answer["event"] == "error"
    assert CANARY not in json.dumps(answer)
    return answer


def changes() -> list[tuple[str, dict[str, Any], str]]:
    """Return frames with something wrong, and where it is."""
    wrong: list[tuple[str, dict[str, Any], str]] = []
    for action, good in GOOD.items():
        wrong += [
            (action, {**good, CANARY: CANARY}, "the body: a member that is not known here"),
            (action, {**good, "action": CANARY}, "/action: "),
            (action, {name: value for name, value in good.items() if name != "requestId"}, "/requestId: "),
        ]
        if "room" in good:
            wrong += [(action, {**good, "room": room}, "/room: ") for room in (1, None, "", "Support", "a#b", "r" * 65)]
    send_, history = GOOD["sendMessage"], GOOD["history"]
    wrong += [
        ("sendMessage", {**send_, "text": text}, "/text: ")
        for text in (*("", " ", " \n\t\u3000", "a\x00b", "\x00"), "x" * 4001, 1, None, [CANARY])
    ]
    wrong += [
        ("sendMessage", {**send_, "clientId": text}, "/clientId: ") for text in ("", "x" * 65, "a b", 1, CANARY + "#")
    ]
    wrong += [("history", {**history, "limit": limit}, "/limit: ") for limit in (0, 51, "1", 1.5, True)]
    wrong += [("history", {**history, "before": before}, "/before: ") for before in ("", CANARY, 1)]
    return wrong


@pytest.mark.parametrize(("action", "body", "where"), changes())
def test_a_frame_of_the_wrong_shape_is_refused_with_where_and_why(
    chat: Chat, action: str, body: dict[str, Any], where: str
) -> None:
    answer = refused(chat, HANDLERS[action], body)

    assert answer["status"] == 400
    assert where in answer["detail"]
    assert answer["requestId"] == body.get("requestId")
    # Nothing was written but the count.
    assert chat.calls == ["UpdateItem", "PostToConnection"]


@pytest.mark.parametrize("request_id", ["", "x" * 65, 1, None, [], {"a": CANARY}, "a b", "a\n", "\ud800", CANARY + "é"])
def test_a_request_id_that_is_none_is_not_repeated(chat: Chat, request_id: Any) -> None:
    answer = refused(chat, answer_ping.handler, json.dumps({"action": "ping", "requestId": request_id}))

    assert answer["status"] == 400
    assert answer["requestId"] is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "x",
        CANARY,
        "{",
        "[]",
        '"ping"',
        "1",
        "null",
        "NaN",
        "[" * 20_000,
        '{"a":' * 4_000,
        "1" * 10_000,
        "\x00",
    ],
    ids=shown,
)
def test_what_is_no_json_object_is_refused(chat: Chat, body: Any) -> None:
    answer = refused(chat, refuse_frame.handler, body)

    assert answer["status"] == 400
    assert "JSON object" in answer["detail"]
    assert answer["requestId"] is None


@pytest.mark.parametrize("body", [{}, {"action": CANARY}, {"action": None}, {"action": ["ping"]}])
def test_an_action_that_there_is_not_is_refused_with_those_that_there_are(chat: Chat, body: dict[str, Any]) -> None:
    answer = refused(chat, refuse_frame.handler, {**body, "requestId": "r-7"})

    assert answer["status"] == 400
    assert answer["requestId"] == "r-7"
    assert all(action in answer["detail"] for action in HANDLERS)


@pytest.mark.parametrize("action", HANDLERS)
def test_a_frame_that_is_too_large_is_refused(chat: Chat, action: str) -> None:
    # given a frame whose characters are fewer than the bytes it takes
    padding = "\U0001f600" * (MAX_FRAME_BYTES // 4 + 1)

    answer = refused(chat, HANDLERS[action], {**GOOD[action], "padding": padding})

    assert (answer["status"], answer["title"]) == (413, "Content Too Large")
    assert answer["requestId"] == "r-1"


def test_a_frame_of_just_the_size_is_not_too_large(chat: Chat) -> None:
    body = json.dumps(GOOD["ping"])

    send(answer_ping.handler, ADA, body.ljust(MAX_FRAME_BYTES))
    refused(chat, answer_ping.handler, body.ljust(MAX_FRAME_BYTES + 1))

    assert [frame["event"] for frame in chat.got("ada-1")] == ["pong", "error"]


def test_a_ping_is_answered_for_two_calls(chat: Chat) -> None:
    assert send(answer_ping.handler, ADA, GOOD["ping"]) == OK

    assert chat.got("ada-1") == [{"event": "pong", "requestId": "r-1"}]
    assert chat.calls == ["UpdateItem", "PostToConnection"]


def meeting_a_transaction() -> None:
    raise aws_error("TransactionConflictException")


@pytest.mark.parametrize(
    ("handler", "body", "event"),
    [
        # beside a message of the same connection
        (answer_ping.handler, GOOD["ping"], "pong"),
        (send_message.handler, message(text=""), "error"),
    ],
)
def test_a_count_that_meets_a_transaction_is_made_after_it(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, handler: Any, body: Any, event: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    chat.before["UpdateItem"] = meeting_a_transaction

    assert send(handler, ADA, body) == OK

    (answer,) = chat.got("ada-1")
    assert answer["event"] == event
    assert answer.get("status") in (None, 400)
    assert chat.calls.count("UpdateItem") == 2


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the clock to the n-th window of the rate limit."""
    start = datetime.fromtimestamp((int(clock.now().timestamp()) // WINDOW_SECONDS) * WINDOW_SECONDS, UTC)

    def set_to(number: int) -> None:
        time = start + timedelta(seconds=number * WINDOW_SECONDS)
        monkeypatch.setattr(clock, "now", lambda: time)

    set_to(0)
    return set_to


@pytest.mark.parametrize("action", HANDLERS)
def test_a_connection_that_sends_too_fast_is_told_so_until_the_next_window(
    chat: Chat, window: Any, action: str
) -> None:
    other = Client("bob-1", "bob")
    chat.connect(ADA, other)
    chat.rooms.join(ADA.connection, "support", clock.now() - timedelta(seconds=WINDOW_SECONDS))
    chat.rooms.join(other.connection, "support", clock.now() - timedelta(seconds=WINDOW_SECONDS))
    for _ in range(MAX_FRAMES):
        chat.connections.count_frame("ada", clock.now())
    rows = chat.rows()

    answer = refused(chat, HANDLERS[action], GOOD[action])
    assert (answer["status"], answer["title"], answer["requestId"]) == (429, "Too Many Requests", "r-1")
    assert chat.rows() == rows
    # Nobody else is held back by it.
    send(HANDLERS[action], other, GOOD[action])
    assert chat.got("bob-1")[0]["event"] != "error"

    window(1)
    send(HANDLERS[action], ADA, {**GOOD[action], **({"clientId": "new"} if action == "sendMessage" else {})})
    assert [frame["event"] for frame in chat.got("ada-1") if frame.get("requestId")][-1] != "error"


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (answer_ping.handler, GOOD["ping"]),
        (refuse_frame.handler, "x"),
        (send_message.handler, {**GOOD["sendMessage"], "text": ""}),
        # of somebody who is not in the room
        (send_message.handler, GOOD["sendMessage"]),
        (show_history.handler, GOOD["history"]),
        (join_room.handler, {**GOOD["joinRoom"], "room": "lobby"}),
        (join_room.handler, GOOD["joinRoom"]),
    ],
)
def test_the_frame_after_the_last_is_refused_whatever_the_others_were(
    chat: Chat, window: Any, handler: Any, body: Any
) -> None:
    for _ in range(MAX_FRAMES):
        send(handler, ADA, body)
    assert 429 not in [frame.get("status") for frame in chat.got("ada-1")]

    assert refused(chat, handler, body)["status"] == 429


def test_messages_that_are_sent_again_count_too(chat: Chat, window: Any) -> None:
    chat.connect(ADA)
    chat.rooms.join(ADA.connection, "support", clock.now() - timedelta(seconds=WINDOW_SECONDS))
    for _ in range(MAX_FRAMES):
        send(send_message.handler, ADA, GOOD["sendMessage"])
    assert len(chat.got("ada-1", "sent")) == MAX_FRAMES

    assert refused(chat, send_message.handler, GOOD["sendMessage"])["status"] == 429


@pytest.mark.parametrize("action", HANDLERS)
def test_an_answer_to_a_connection_that_is_gone_is_no_failure_and_cleans_up(chat: Chat, action: str) -> None:
    chat.connect(ADA, room="support")
    chat.gone = {"ada-1"}

    assert send(HANDLERS[action], ADA, GOOD[action]) == OK
    assert not [keys for keys in chat.rows() if "ada-1" in "".join(keys)]


@pytest.mark.parametrize("action", HANDLERS)
@pytest.mark.parametrize(("code", "status"), [("AccessDeniedException", 500), ("ThrottlingException", 503)])
def test_a_table_that_fails_is_a_fault_of_ours(chat: Chat, action: str, code: str, status: int) -> None:
    def fail() -> None:
        raise aws_error(code, "canary")

    chat.before["UpdateItem" if action == "ping" else "TransactWriteItems"] = fail

    assert send(HANDLERS[action], ADA, GOOD[action]) == {"statusCode": 500}

    (answer,) = chat.got("ada-1")
    assert (answer["event"], answer["status"], answer["requestId"]) == ("error", status, "r-1")
    assert is_prose(answer["detail"])
    assert ("again in a moment" in answer["detail"]) is (status == 503)
    assert "canary" not in json.dumps(answer)


@pytest.mark.parametrize("action", HANDLERS)
@pytest.mark.parametrize("fails", [True, False])
def test_neither_a_text_nor_a_name_is_logged(chat: Chat, log: io.StringIO, action: str, fails: bool) -> None:
    chat.connect(ADA, room="support")
    if fails:

        def fail() -> None:
            raise aws_error("AccessDeniedException")

        chat.before["UpdateItem" if action == "ping" else "TransactWriteItems"] = fail
    body = {**GOOD[action], **({"text": "text-canary", "clientId": "logged"} if action == "sendMessage" else {})}

    send(HANDLERS[action], ADA, body)
    send(HANDLERS[action], ADA, {**body, "text": ["text-canary"]})
    send(open_connection.handler, ADA)
    send(close_connection.handler, ADA)

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert lines
    assert {line["connection_id"] for line in lines} == {"ada-1"}
    assert all(line["correlation_id"].startswith("request-") for line in lines)
    assert "canary" not in log.getvalue()


def keep(chat: Chat, count: int, text: str = "Hello") -> list[str]:
    """Have a room hold messages a second apart, and return their texts, newest first."""
    now = clock.now()
    for number in range(count):
        sent_at = now - timedelta(seconds=count - number)
        item = {
            "pk": {"S": "room#support"},
            "sk": {"S": f"message#{int(sent_at.timestamp() * 1000):012x}-{number:016x}"},
            "senderId": {"S": "bob"},
            "name": {"S": "Bob"},
            "group": {"S": "support"},
            "text": {"S": f"{text}{number}"},
            "sentAt": {"S": clock.to_text(sent_at)},
            "clientId": {"S": f"c-{number}"},
            "expiresAt": {"N": str(int((sent_at + timedelta(days=30)).timestamp()))},
        }
        chat.dynamodb.put_item(TableName="ChatTable", Item=item)
    return [f"{text}{number}" for number in reversed(range(count))]


def pages(chat: Chat, limit: int | None = None) -> list[dict[str, Any]]:
    """Return all pages of a room's history."""
    found: list[dict[str, Any]] = []
    more = {"limit": limit} if limit else {}
    while True:
        chat.calls.clear()
        send(show_history.handler, ADA, {**GOOD["history"], **more})
        assert Counter(chat.calls) == {"TransactWriteItems": 1, "Query": 1, "PostToConnection": 1}
        found.append(chat.got("ada-1", "history")[-1])
        assert found[-1]["requestId"] == "r-1"
        if "before" not in found[-1]:
            return found
        more["before"] = found[-1]["before"]


@pytest.mark.parametrize(
    ("limit", "sizes"), [(None, [20, 3]), (10, [10, 10, 3]), (23, [23]), (22, [22, 1]), (50, [23])]
)
def test_history_comes_newest_first_in_pages(chat: Chat, limit: int | None, sizes: list[int]) -> None:
    chat.connect(ADA, room="support")
    expected = keep(chat, 23)

    found = pages(chat, limit)

    assert [len(page["messages"]) for page in found] == sizes
    assert [entry["text"] for page in found for entry in page["messages"]] == expected
    assert found[0]["messages"][0].keys() == {"messageId", "sender", "text", "sentAt"}
    assert found[0]["messages"][0]["sender"] == {"name": "Bob", "group": "support"}


def test_a_page_of_history_fits_a_frame_however_long_its_messages_are(chat: Chat) -> None:
    chat.connect(ADA, room="support")
    expected = keep(chat, 12, text="\x01" * 3998)

    found = pages(chat, 50)

    assert [entry["text"] for page in found for entry in page["messages"]] == expected
    assert max(chat.sizes) < MAX_FRAME_BYTES
    assert all(page["messages"] for page in found)


def test_messages_that_have_expired_are_left_out(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = keep(chat, 10)
    # given the second at which the sixth oldest expires
    sixth = chat.dynamodb.query(
        TableName="ChatTable",
        KeyConditionExpression="pk = :room",
        ExpressionAttributeValues={":room": {"S": "room#support"}},
    )["Items"][5]
    later = datetime.fromtimestamp(int(sixth["expiresAt"]["N"]), UTC)
    monkeypatch.setattr(clock, "now", lambda: later)
    late = Client("ada-1", connected_at=later)
    chat.connect(late, room="support")

    for limit in (1, 3, 4, 5, 50):
        found = pages(chat, limit)
        assert [entry["text"] for page in found for entry in page["messages"]] == expected[:4]
        assert all(page["messages"] for page in found)


def test_history_holds_what_was_stored_just_before(chat: Chat) -> None:
    chat.connect(ADA, room="support")
    queries: list[dict[str, Any]] = []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(chat.dynamodb, name)

        def query(self, **query: Any) -> Any:
            queries.append(query)
            return chat.dynamodb.query(**query)

    MessageStore(Watched(), "ChatTable").history(ADA.connection, "support", 1, None, clock.now())  # type: ignore[arg-type]

    assert [query["ConsistentRead"] for query in queries] == [True]


def test_history_of_a_room_without_messages_is_empty(chat: Chat) -> None:
    chat.connect(ADA, room="support")

    assert [page["messages"] for page in pages(chat)] == [[]]


def test_history_is_for_those_in_the_room(chat: Chat) -> None:
    keep(chat, 1)
    chat.connect(ADA)

    assert refused(chat, show_history.handler, GOOD["history"])["status"] == 403
