"""sendMessage: kept once, acknowledged, and sent to everybody who is in the room and still there."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from storefront.chat import send_message
from storefront.chat.connection import CONNECTION_TIME, MAX_FRAME_BYTES, MAX_FRAMES, Recipient
from storefront.chat.gateway import LAST_POST_MILLISECONDS
from storefront.chat.room_store import RoomStore
from storefront.shared import clock
from tests.support.faults import aws_error, transaction_cancelled
from tools.testing.chat import Chat, Client, message, post_error, send
from tools.testing.events import Context

ADA = Client("ada-1")
OK = {"statusCode": 200}


def people(count: int) -> list[Client]:
    return [Client(f"conn-{number}", f"customer-{number}") for number in range(count)]


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Return the metrics that were sent."""
    lines = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if '"service"' in line and '"_aws"' in line
    ]
    sums: Counter[str] = Counter()
    for line in lines:
        for name in (metric["Name"] for entry in line["_aws"]["CloudWatchMetrics"] for metric in entry["Metrics"]):
            sums[name] += sum(line[name])
    return dict(sums)


@pytest.mark.parametrize("count", [2, 50])
def test_everybody_in_the_room_gets_a_message_once_and_nobody_else_does(chat: Chat, count: int) -> None:
    sender, *others = here = people(count)
    chat.connect(*here, room="support")
    chat.connect(ADA, room="order-ord-" + "a" * 32)

    assert send(send_message.handler, sender, message(text="Hello", clientId="c-1")) == OK

    (acknowledged,) = chat.got(sender.connection_id, "sent")
    expected = {
        "event": "message",
        "room": "support",
        "messageId": acknowledged["messageId"],
        "sender": {"name": "Ada", "group": "customer"},
        "text": "Hello",
        "sentAt": acknowledged["sentAt"],
    }
    assert acknowledged == {
        "event": "sent",
        "requestId": "r-1",
        "room": "support",
        "messageId": expected["messageId"],
        "clientId": "c-1",
        "sentAt": expected["sentAt"],
    }
    assert all(chat.got(client.connection_id, "message") == [expected] for client in here)
    assert all(len(chat.got(client.connection_id)) == 1 for client in others)
    assert chat.got(ADA.connection_id) == []


def test_a_message_costs_a_transaction_a_query_for_each_page_and_a_post_for_each_recipient(chat: Chat) -> None:
    here = people(5)
    chat.connect(*here, room="support")

    send(send_message.handler, here[0], message())

    assert Counter(chat.calls) == {"TransactWriteItems": 1, "Query": 1, "PostToConnection": 5 + 1}


@pytest.mark.parametrize("gone", [1, 7, 49])
def test_exactly_the_connections_that_are_gone_are_removed(
    chat: Chat, capsys: pytest.CaptureFixture[str], gone: int
) -> None:
    sender, *others = here = people(50)
    chat.connect(*here, room="support")
    for client in here:
        chat.rooms.join(client.connection, "order-of-" + client.customer, clock.now())
    chat.gone = {client.connection_id for client in others[:gone]}
    before = chat.rows()

    assert send(send_message.handler, sender, message()) == OK

    removed = {(pk, sk) for pk, sk in before if {pk.partition("#")[2], sk.partition("#")[2]} & chat.gone}
    assert len(removed) == 3 * gone
    assert before - chat.rows() == removed
    reached = [client for client in here if chat.got(client.connection_id, "message")]
    assert reached == [sender, *others[gone:]]
    assert counted(capsys) == {"ChatMessagesSent": 1, "ChatPostsDelivered": 50 - gone, "ChatPostsGone": gone}


@pytest.mark.parametrize(
    "error",
    [
        post_error("LimitExceededException", 429),
        post_error("InternalServerError", 500),
        post_error("503", 503),
        post_error("ForbiddenException", 403),
    ],
    ids=str,
)
def test_connections_that_cannot_be_reached_just_now_keep_their_rows(
    chat: Chat, capsys: pytest.CaptureFixture[str], error: Any
) -> None:
    here = people(10)
    chat.connect(*here, room="support")
    chat.failing = {client.connection_id: error for client in here[1:4]}
    before = chat.rows()

    assert send(send_message.handler, here[0], message()) == OK

    assert before <= chat.rows()
    assert [bool(chat.got(client.connection_id, "message")) for client in here] == [True] + 3 * [False] + 6 * [True]
    assert counted(capsys) == {"ChatMessagesSent": 1, "ChatPostsDelivered": 7, "ChatPostsFailed": 3}


def test_three_thousand_connections_are_read_in_three_pages(chat: Chat) -> None:
    sender = Client("conn-0000")
    chat.connect(sender, room="support")
    for start in range(1, 3000, 25):
        rows = [
            {
                "pk": {"S": "room#support"},
                "sk": {"S": f"member#conn-{number:04}"},
                "expiresAt": {"N": str(int(sender.connection.expires_at.timestamp()))},
            }
            for number in range(start, min(start + 25, 3000))
        ]
        chat.dynamodb.batch_write_item(RequestItems={"ChatTable": [{"PutRequest": {"Item": row}} for row in rows]})
    chat.calls.clear()

    assert send(send_message.handler, sender, message()) == OK

    assert Counter(to for to, frame in chat.posts if frame["event"] == "message") == {
        f"conn-{number:04}": 1 for number in range(3000)
    }
    # After a full page DynamoDB cannot tell that it was the last: the fourth is empty.
    assert chat.calls.count("Query") == 3 + 1
    assert chat.calls.count("PostToConnection") == 3000 + 1


def test_an_expired_connection_is_not_posted_to_but_removed(chat: Chat) -> None:
    # given a connection whose $disconnect never came
    there, forgotten = Client("there"), Client("forgotten", connected_at=clock.now() - CONNECTION_TIME)
    chat.connect(there, room="support")
    chat.connections.open(forgotten.connection)
    chat.dynamodb.put_item(
        TableName="ChatTable",
        Item={
            "pk": {"S": "room#support"},
            "sk": {"S": "member#forgotten"},
            "expiresAt": {"N": str(int(forgotten.connection.expires_at.timestamp()))},
        },
    )

    assert send(send_message.handler, there, message()) == OK

    assert {to for to, _ in chat.posts} == {"there"}
    assert not [keys for keys in chat.rows() if "forgotten" in "".join(keys)]


def test_a_member_row_without_its_connection_goes_at_the_next_message(chat: Chat) -> None:
    # given a process that ended after it had removed the connection, and before its rows in rooms
    there, half_gone = people(2)
    chat.connect(there, half_gone, room="support")
    chat.dynamodb.delete_item(
        TableName="ChatTable", Key={"pk": {"S": f"connection#{half_gone.connection_id}"}, "sk": {"S": "connection"}}
    )
    chat.gone = {half_gone.connection_id}

    send(send_message.handler, there, message())

    assert ("room#support", f"member#{half_gone.connection_id}") not in chat.rows()


def test_a_table_that_fails_while_it_is_cleaned_up_fails_nobody(chat: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    here = people(5)
    chat.connect(*here, room="support")
    chat.gone = {here[1].connection_id}

    def fail() -> None:
        raise aws_error("ThrottlingException")

    chat.before["DeleteItem"] = fail

    assert send(send_message.handler, here[0], message()) == OK
    assert counted(capsys) == {"ChatMessagesSent": 1, "ChatPostsDelivered": 4, "ChatPostsGone": 1}


def test_a_sender_who_is_gone_fails_nobody(chat: Chat) -> None:
    sender, other = here = people(2)
    chat.connect(*here, room="support")
    chat.gone = {sender.connection_id}

    assert send(send_message.handler, sender, message()) == OK

    assert chat.got(other.connection_id, "message")
    assert not [keys for keys in chat.rows() if keys[1].endswith(sender.connection_id)]


def test_without_time_left_nothing_is_posted_but_the_answer(chat: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    here = people(5)
    chat.connect(*here, room="support")

    assert send(send_message.handler, here[0], message(), milliseconds=LAST_POST_MILLISECONDS) == OK

    assert [frame["event"] for _, frame in chat.posts] == ["sent"]
    assert counted(capsys) == {"ChatMessagesSent": 1, "ChatPostsSkipped": 5}


def test_a_name_arrives_as_it_was_given(chat: Chat) -> None:
    zoe = Client("zoe-1", name="Zoë 100%")
    chat.connect(zoe, room="support")
    assert zoe.event("any")["requestContext"]["authorizer"]["name"].isascii()

    send(send_message.handler, zoe, message())

    assert chat.got("zoe-1", "message")[0]["sender"]["name"] == "Zoë 100%"


def test_what_was_posted_before_a_page_failed_is_counted(chat: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    # given a room of two pages, the second of which cannot be read
    here = people(3)
    chat.connect(*here, room="support")

    def pages(*_: Any) -> Iterator[list[Recipient]]:
        yield [Recipient(client.connection_id) for client in here]
        raise aws_error("AccessDeniedException")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RoomStore, "members", pages)
        assert send(send_message.handler, here[0], message()) == {"statusCode": 500}

    assert counted(capsys) == {"ChatMessagesSent": 1, "ChatPostsDelivered": 3}


def test_the_frames_of_a_window_that_are_handled_at_once_all_get_through(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given frames as many as may be sent, each of which meets others until those before it have had 90 ms each
    chat.connect(ADA, room="support")
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr("random.uniform", lambda least, most: (least + most) / 2)

    for number in range(MAX_FRAMES - 1):
        waited.clear()

        def meet_another(turn: float = number * 0.09) -> None:
            if sum(waited) < turn:
                chat.before["TransactWriteItems"] = lambda: meet_another(turn)
                raise transaction_cancelled("TransactionConflict", "None", "None", "None")

        chat.before["TransactWriteItems"] = meet_another
        send(send_message.handler, ADA, message())

    assert len(chat.got(ADA.connection_id, "sent")) == MAX_FRAMES - 1


def test_a_failure_behind_the_answer_is_not_told_as_one_of_the_message(chat: Chat) -> None:
    chat.connect(ADA, room="support")

    def fail() -> None:
        raise aws_error("AccessDeniedException")

    chat.before["Query"] = fail

    assert send(send_message.handler, ADA, message()) == {"statusCode": 500}
    assert [frame["event"] for frame in chat.got(ADA.connection_id)] == ["sent"]


def test_a_message_sent_again_is_acknowledged_again_and_delivered_once(chat: Chat) -> None:
    # given two connections of one customer
    one, other = Client("one"), Client("other")
    chat.connect(one, other, room="support")

    send(send_message.handler, one, message(clientId="c-1", requestId="r-1"))
    send(send_message.handler, one, message(clientId="c-1", requestId="r-2"))
    send(send_message.handler, other, message(clientId="c-1", requestId="r-3"))

    first, again, elsewhere = [*chat.got("one", "sent"), *chat.got("other", "sent")]
    assert again == {**first, "requestId": "r-2"}
    assert elsewhere == {**first, "requestId": "r-3"}
    assert len(chat.got("one", "message")) == len(chat.got("other", "message")) == 1
    assert len([keys for keys in chat.rows("room#support") if keys[1].startswith("message#")]) == 1


def test_two_that_race_with_one_message_are_acknowledged_alike(chat: Chat) -> None:
    one, other = Client("one"), Client("other")
    chat.connect(one, other, room="support")

    def be_overtaken() -> None:
        send(send_message.handler, other, message(clientId="c-1"))
        raise transaction_cancelled("None", "None", "TransactionConflict", "None")

    chat.before["TransactWriteItems"] = be_overtaken
    send(send_message.handler, one, message(clientId="c-1"))

    (first,), (second,) = chat.got("other", "sent"), chat.got("one", "sent")
    assert first == second
    assert len(chat.got("one", "message")) == len(chat.got("other", "message")) == 1


def test_the_same_client_id_of_another_customer_in_another_room_or_after_a_day_is_another_message(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = Client("ada-1", "ada"), Client("bob-1", "bob")
    chat.connect(ada, bob, room="support")
    chat.rooms.join(ada.connection, "other", clock.now())

    for client, room in ((ada, "support"), (bob, "support"), (ada, "other")):
        send(send_message.handler, client, message(room, clientId="c-1"))
    now = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: now)
    tomorrow = Client("ada-2", "ada")
    chat.connect(tomorrow, room="support")
    send(send_message.handler, tomorrow, message(clientId="c-1"))

    acknowledged = [frame["messageId"] for _, frame in chat.posts if frame["event"] == "sent"]
    assert len(set(acknowledged)) == 4


def test_somebody_who_is_not_in_the_room_is_refused(chat: Chat) -> None:
    chat.connect(ADA)

    assert send(send_message.handler, ADA, message()) == OK

    (refused,) = chat.got(ADA.connection_id)
    assert refused["event"] == "error"
    assert refused["requestId"] == "r-1"
    assert refused["status"] == 403
    assert refused["title"] == "Forbidden"
    assert "joinRoom" in refused["detail"]
    assert not chat.rows("room#")


def test_somebody_whose_time_in_the_room_is_over_is_refused(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    chat.connect(ADA, room="support")
    # given a time at which the connection has expired, to the second
    now = ADA.connection.expires_at
    monkeypatch.setattr(clock, "now", lambda: now)

    send(send_message.handler, ADA, message())

    assert [frame["status"] for frame in chat.got(ADA.connection_id)] == [403]


@pytest.mark.parametrize(
    "text",
    ["\U0001f600" * 4000, "\t" * 3999 + "x", '"' * 4000, "\n" * 3999 + "x", "x"],
    ids=["emoji", "tabs", "quotes", "lines", "one"],
)
def test_a_text_of_any_characters_arrives_as_it_was_sent_in_a_frame_that_fits(chat: Chat, text: str) -> None:
    sender = Client("ada-1", name="\x01" * 1000)
    chat.connect(sender, room="support")

    send(send_message.handler, sender, message(text=text, requestId="r" * 64, clientId="c" * 64))

    (pushed,) = chat.got(sender.connection_id, "message")
    assert pushed["text"] == text
    assert max(chat.sizes) < MAX_FRAME_BYTES


@pytest.mark.parametrize(
    "error",
    [aws_error("AccessDeniedException"), RuntimeError("secret of the inside"), KeyError("inside")],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_of_ours_says_nothing_of_the_inside(chat: Chat, error: Exception) -> None:
    chat.connect(ADA, room="support")

    def fail() -> None:
        raise error

    chat.before["TransactWriteItems"] = fail

    assert send(send_message.handler, ADA, message(text="canary")) == {"statusCode": 500}

    (told,) = chat.got(ADA.connection_id)
    assert told.keys() == {"event", "requestId", "type", "title", "status", "detail", "instance"}
    assert (told["event"], told["requestId"], told["status"]) == ("error", "r-1", 500)
    assert uuid.UUID(told["instance"].removeprefix("urn:uuid:")) == uuid.UUID(Context().aws_request_id)
    assert not [word for word in ("inside", "Traceback", "canary", "Error:") if word in json.dumps(told)]


def test_a_transaction_that_meets_others_is_tried_again_and_not_without_end(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.connect(ADA, room="support")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    met = []

    def meet_another(times: int) -> None:
        met.append(times)
        if times > 1:
            chat.before["TransactWriteItems"] = lambda: meet_another(times - 1)
        raise transaction_cancelled("TransactionConflict", "None", "None", "None")

    chat.before["TransactWriteItems"] = lambda: meet_another(4)
    assert send(send_message.handler, ADA, message()) == OK
    assert len(met) == 4

    chat.before["TransactWriteItems"] = lambda: meet_another(100)
    assert send(send_message.handler, ADA, message()) == {"statusCode": 500}
    assert len(met) == 4 + 8
    assert chat.got(ADA.connection_id)[-1]["status"] == 503


def test_a_client_id_with_another_text_is_refused_and_not_acknowledged(chat: Chat) -> None:
    sender, other = people(2)
    chat.connect(sender, other, room="support")
    send(send_message.handler, sender, message(text="Hello", clientId="c-1"))

    send(send_message.handler, sender, message(text="Cancel my order", clientId="c-1"))
    send(send_message.handler, sender, message(text="Hello", clientId="c-1"))

    (refused,) = chat.got(sender.connection_id, "error")
    assert refused["status"] == 422
    assert "clientId" in refused["detail"]
    assert len(chat.got(sender.connection_id, "sent")) == 2, "the first, and its repetition"
    assert [got["text"] for got in chat.got(other.connection_id, "message")] == ["Hello"]


def test_each_refused_repetition_counts_as_one_frame(chat: Chat) -> None:
    (sender,) = people(1)
    chat.connect(sender, room="support")
    send(send_message.handler, sender, message(text="Hello", clientId="c-1"))

    # To join was a frame, too.
    for _ in range(MAX_FRAMES - 2):
        send(send_message.handler, sender, message(text="Another", clientId="c-1"))
    send(send_message.handler, sender, message(text="Another", clientId="c-1"))

    assert {refused["status"] for refused in chat.got(sender.connection_id, "error")[:-1]} == {422}
