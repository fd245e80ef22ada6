"""A user's limit counts over all their connections."""

from datetime import UTC, datetime, timedelta

import pytest

from storefront.chat import answer_ping, close_connection, join_room, open_connection, send_message
from storefront.chat.connection import MAX_CONNECTIONS, MAX_FRAMES, WINDOW_SECONDS
from storefront.chat.connection_store import ConnectionStore
from storefront.shared import clock
from tests.support.faults import Crash, aws_error, crash, every_position, transaction_cancelled
from tools.testing.chat import Chat, Client, message, send

OK = {"statusCode": 200}
SINCE = clock.now()
BOB = Client("bob-1", "bob")
JOIN = {"action": "joinRoom", "requestId": "r-1", "room": "support"}
PING = {"action": "ping", "requestId": "r-1"}


def ada(number: int) -> Client:
    """Return Ada's n-th connection, opened a moment after the one before."""
    return Client(f"ada-{number}", connected_at=SINCE + timedelta(milliseconds=number))


def open_in(chat: Chat, customer: str = "ada") -> set[str]:
    """Return the connections that a user has."""
    return {found.connection_id for found in chat.connections.of_customer(customer, clock.now())}


@pytest.fixture
def full(chat: Chat) -> Chat:
    """A chat in which Ada has all the connections that she may have, each in a room."""
    for number in range(MAX_CONNECTIONS):
        assert send(open_connection.handler, ada(number)) == OK
        chat.rooms.join(ada(number).connection, "support", SINCE - timedelta(seconds=number * WINDOW_SECONDS))
    chat.calls.clear()
    return chat


def test_a_connection_too_many_ends_the_oldest_of_its_user(full: Chat) -> None:
    full.connect(BOB, room="support")

    assert send(open_connection.handler, ada(MAX_CONNECTIONS)) == OK

    newest = {f"ada-{number}" for number in range(1, MAX_CONNECTIONS + 1)}
    assert open_in(full) == newest
    assert {sk.removeprefix("member#") for _, sk in full.rows("room#")} == newest - {f"ada-{MAX_CONNECTIONS}"} | {
        "bob-1"
    }


def test_a_connection_that_has_ended_for_a_newer_one_hears_nothing_and_is_told_so_when_it_asks(full: Chat) -> None:
    full.connect(BOB, room="support")
    send(open_connection.handler, ada(MAX_CONNECTIONS))

    send(send_message.handler, BOB, message())
    send(join_room.handler, ada(0), JOIN)

    assert full.got("ada-1", "message")
    (answer,) = full.got("ada-0")
    assert (answer["status"], answer["detail"]) == (
        403,
        "This connection has ended. Open a new one, with a new ticket.",
    )


def test_a_connection_that_is_closed_makes_room(full: Chat) -> None:
    send(close_connection.handler, ada(4))

    send(open_connection.handler, ada(MAX_CONNECTIONS))

    assert open_in(full) == {f"ada-{number}" for number in range(MAX_CONNECTIONS + 1)} - {"ada-4"}


def test_a_connection_that_is_closed_twice_makes_room_once(full: Chat) -> None:
    for _ in range(2):
        send(close_connection.handler, ada(4))

    for number in (MAX_CONNECTIONS, MAX_CONNECTIONS + 1):
        send(open_connection.handler, ada(number))

    assert len(open_in(full)) == MAX_CONNECTIONS
    assert "ada-0" not in open_in(full)


def test_connections_of_others_do_not_count(full: Chat) -> None:
    send(open_connection.handler, BOB)

    assert len(open_in(full)) == MAX_CONNECTIONS
    assert open_in(full, "bob") == {"bob-1"}


@pytest.mark.parametrize("after", [False, True])
def test_there_are_never_more_whoever_comes_in_between(full: Chat, after: bool) -> None:
    """Another connection opens, and one closes, before or after every call that opening makes."""
    numbers = iter(range(MAX_CONNECTIONS, 1000))

    def come_and_go() -> None:
        full.connections.open(ada(next(numbers)).connection)
        assert len(open_in(full)) <= MAX_CONNECTIONS
        full.connections.close(min(open_in(full)))

    for trigger in every_position(come_and_go, after=after):
        full.connections.open(ada(next(numbers)).connection)
        newest = ada(next(numbers)).connection
        ConnectionStore(trigger.watch(full.dynamodb), "ChatTable").open(newest)
        assert newest.id in open_in(full)
        assert len(open_in(full)) <= MAX_CONNECTIONS


def test_a_crash_while_one_ends_or_closes_locks_nobody_out(full: Chat) -> None:
    numbers = iter(range(MAX_CONNECTIONS, 1000))
    for trigger in every_position(crash, after=True):
        watched = ConnectionStore(trigger.watch(full.dynamodb), "ChatTable")
        try:
            watched.open(ada(next(numbers)).connection)
            watched.close(max(open_in(full)))
        except Crash:
            pass

        newest = ada(next(numbers))
        assert send(open_connection.handler, newest) == OK
        assert newest.connection_id in open_in(full)
        assert len(open_in(full)) <= MAX_CONNECTIONS


def test_who_opens_faster_than_the_oldest_can_end_is_told_to_come_back(full: Chat) -> None:
    list_ = {"opened": {"SS": ["1#ada-0"]}}
    refused = transaction_cancelled("ConditionalCheckFailed", "None")
    refused.response["CancellationReasons"][0]["Item"] = list_  # type: ignore[typeddict-item]

    class Racing:
        def __getattr__(self, name: str) -> object:
            return getattr(full.dynamodb, name)

        def transact_write_items(self, **_: object) -> None:
            raise refused

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_connection._connections, "_dynamodb", Racing())
        assert send(open_connection.handler, ada(MAX_CONNECTIONS)) == {"statusCode": 503}


def test_closing_makes_its_way_past_another_connection_that_opens(full: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def meeting_a_transaction() -> None:
        raise aws_error("TransactionConflictException")

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    full.before["UpdateItem"] = meeting_a_transaction

    send(close_connection.handler, ada(4))
    send(open_connection.handler, ada(MAX_CONNECTIONS))

    assert "ada-0" in open_in(full)


def test_the_list_of_a_user_expires_with_their_last_connection_and_does_not_come_back(full: Chat) -> None:
    key = {"pk": {"S": "customer#ada"}, "sk": {"S": "connections"}}
    stored = full.dynamodb.get_item(TableName="ChatTable", Key=key)["Item"]
    last = ada(MAX_CONNECTIONS - 1).connection
    assert stored["expiresAt"] == {"N": str(int(last.expires_at.timestamp()))}

    # given that DynamoDB has deleted it
    full.dynamodb.delete_item(TableName="ChatTable", Key=key)
    send(close_connection.handler, ada(4))

    assert "Item" not in full.dynamodb.get_item(TableName="ChatTable", Key=key)


def test_frames_count_for_their_user_whichever_connection_they_come_from(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    for number in range(MAX_FRAMES):
        send(answer_ping.handler, ada(number), PING)

    for client in (ada(MAX_FRAMES), BOB):
        send(answer_ping.handler, client, PING)

    (refusal,) = chat.got(f"ada-{MAX_FRAMES}")
    assert refusal["status"] == 429
    assert "over all your connections" in refusal["detail"]
    assert [frame["event"] for frame in chat.got("bob-1")] == ["pong"]


@pytest.mark.parametrize("second", [0, 1, WINDOW_SECONDS - 1])
def test_the_count_of_a_window_expires_with_the_window(chat: Chat, second: int) -> None:
    begin = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)

    chat.connections.count_frame("ada", begin + timedelta(seconds=second))

    (row,) = chat.dynamodb.scan(TableName="ChatTable")["Items"]
    assert row["expiresAt"] == {"N": str(int(begin.timestamp()) + WINDOW_SECONDS)}
