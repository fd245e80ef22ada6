"""The command-line client: what it does when a connection ends, and when an answer is not the chat's."""

import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from tools.demo import conversation
from tools.demo.chat import Chat, Disconnected, Frame
from tools.demo.conversation import Conversation

ROOM = "support"
GATEWAY = {"message": "Internal server error", "connectionId": "c-1", "requestId": "of-the-gateway="}


def error(status: int) -> Frame:
    return {"event": "error", "status": status, "title": "Title", "detail": "Detail."}


def said(*numbers: int) -> list[Frame]:
    sender = {"name": "Sue", "group": "support"}
    return [
        {"messageId": f"m-{number:02}", "sender": sender, "text": f"text {number}.", "sentAt": "2026-11-20T12:00:00Z"}
        for number in numbers
    ]


def page(*numbers: int, before: str | None = None) -> Frame:
    return {"event": "history", "messages": said(*numbers), **({"before": before} if before else {})}


JOINED: Frame = {"event": "joined", "room": ROOM}
SENT: Frame = {"event": "sent", "messageId": "m-99"}


class Talk:
    """Plays a connection: answers from a list, one after the other."""

    def __init__(self, *answers: Frame | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.has_ended = False

    def request(self, action: str, **members: Any) -> Frame:
        self.asked.append((action, members))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Person(Conversation):
    """A conversation whose lines are kept; it reaches its connections one after the other."""

    def __init__(self, *rooms: str) -> None:
        super().__init__(None, rooms[0])  # type: ignore[arg-type]
        self._rooms = list(rooms)
        self.lines: list[str] = []

    def connects(self, talk: Talk) -> None:
        self._chat = talk  # type: ignore[assignment]
        self._join_rooms(talk)  # type: ignore[arg-type]

    def says(self, text: str) -> None:
        self._say(text)

    @property
    def rooms(self) -> list[str]:
        return self._rooms

    def _show(self, line: str) -> None:
        self.lines.append(line)

    def texts(self) -> list[str]:
        return [line.rpartition(": ")[2] for line in self.lines if "text " in line]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(conversation.time, "sleep", waited.append)
    return waited


@pytest.mark.parametrize("passing", [error(429), error(503), error(500), GATEWAY])
def test_a_room_is_not_lost_for_what_passes(passing: Frame, pauses: list[float]) -> None:
    person = Person(ROOM, "other")

    person.connects(Talk(passing, passing, JOINED, passing, page(), JOINED, page()))

    assert person.rooms == [ROOM, "other"]
    assert pauses == [1, 2, 1]


def test_a_room_that_is_closed_to_somebody_is_dropped_and_the_others_are_not() -> None:
    person = Person(ROOM, "other")

    person.connects(Talk(error(403), JOINED, page()))

    assert person.rooms == ["other"]


def test_who_comes_for_the_first_time_sees_the_last_page_and_who_comes_again_all_that_was_missed() -> None:
    person = Person(ROOM)
    person.connects(Talk(JOINED, page(3, 2, before="m-02")))
    assert person.texts() == ["text 2.", "text 3."]

    # when the connection was lost for seven messages
    again = Talk(JOINED, page(10, 9, 8, before="m-08"), page(7, 6, 5, before="m-05"), page(4, 3, 2, before="m-02"))
    person.connects(again)

    assert person.texts() == [f"text {number}." for number in range(2, 11)]
    assert [members.get("before") for _, members in again.asked] == [None, None, "m-08", "m-05"]


def test_what_is_heard_while_the_history_is_read_does_not_end_it() -> None:
    person = Person(ROOM)
    person.connects(Talk(JOINED, page(1)))

    class Busy(Talk):
        def request(self, action: str, **members: Any) -> Frame:
            answer = super().request(action, **members)
            if action == "joinRoom":
                person._hear({"event": "message", "room": ROOM, **said(4)[0]})
            return answer

    person.connects(Busy(JOINED, page(4, 3, before="m-03"), page(2, 1)))

    assert sorted(person.texts()) == [f"text {number}." for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("nothing", [Disconnected("no answer within 30 s"), GATEWAY])
def test_a_message_without_an_answer_is_sent_again_once_with_the_same_client_id(nothing: Any) -> None:
    person = Person(ROOM)
    talk = Talk(JOINED, page(), nothing, SENT)
    person.connects(talk)

    person.says("hello")

    (_, first), (_, second) = talk.asked[-2:]
    assert first == second
    assert len(talk.asked) == 4


def test_a_message_that_the_connection_ended_upon_is_sent_again_on_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = Person(ROOM)
    ended, following = Talk(JOINED, page(), Disconnected("ended")), Talk(JOINED, page(), SENT)
    person.connects(ended)
    ended.has_ended = True
    ticks = itertools.count()

    def sleep(seconds: float) -> None:
        if next(ticks) == 3:
            person.connects(following)

    monkeypatch.setattr(conversation.time, "sleep", sleep)
    person.says("hello")

    assert following.asked[-1] == ended.asked[-1]


def test_a_message_that_is_refused_is_not_sent_again() -> None:
    person = Person(ROOM)
    talk = Talk(JOINED, page(), error(400))
    person.connects(talk)

    person.says("hello")

    assert len(talk.asked) == 3


@pytest.fixture
def gateway() -> Iterator[str]:
    """A server that answers each frame as the gateway does when it could call no function."""

    def answer(connection: ServerConnection) -> None:
        for _ in connection:
            connection.send(json.dumps(GATEWAY))

    with serve(answer, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


def test_nobody_waits_on_when_the_gateway_itself_answers(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.demo.chat.ANSWER_SECONDS", 5)
    chat = Chat(gateway, lambda frame: None)

    assert chat.request("ping") == GATEWAY

    chat.close()


def test_what_the_gateway_says_to_nobody_is_heard(gateway: str) -> None:
    heard = threading.Event()
    chat = Chat(gateway, lambda frame: heard.set() if frame == GATEWAY else None)

    chat.send("{}")

    assert heard.wait(5)
    chat.close()


NO_FRAMES = ["not JSON", "[]", "1", "null", "[" * 100_000, b"\xff\xfe", json.dumps({"event": "message"})]
NO_FRAMES.append(json.dumps({"event": "sent", "requestId": [1]}))
NO_FRAMES.append(json.dumps({"event": "message", "messageId": [1], "room": "support"}))


@pytest.fixture
def babbling() -> Iterator[str]:
    """A server that sends a text that is not a frame of the chat before each answer."""

    def answer(connection: ServerConnection) -> None:
        for text in connection:
            for nonsense in NO_FRAMES:
                connection.send(nonsense)
            connection.send(json.dumps({"event": "pong", "requestId": json.loads(text)["requestId"]}))

    with serve(answer, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


def test_a_frame_that_is_not_one_ends_nothing(babbling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.demo.chat.ANSWER_SECONDS", 5)
    person = Person(ROOM)
    chat = Chat(babbling, person._hear)

    assert chat.request("ping")["event"] == "pong"
    assert chat.request("ping")["event"] == "pong"

    assert not chat.has_ended
    assert len(person.lines) == 2 * len(NO_FRAMES)
    chat.close()
