"""The chat, end to end: handshakes, rooms, frames, connections that vanish, orders, the command-line client."""

import hashlib
import json
import os
import queue
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storefront.chat.connection import MAX_CONNECTIONS
from tests.local.conftest import Books
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient
from tools.demo.chat import Access, Chat, Frame, Refused
from tools.stack.stack import ROOT, Stack, client

SUPPORT = "support"
CROWD = 50
FRAME = {"requestId": "the-frame"}


class Person:
    """Somebody with an open chat, who keeps what they hear."""

    def __init__(self, url: str) -> None:
        self._inbox: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self.chat = Chat(url, self._inbox.put)

    def request(self, action: str, **members: Any) -> Frame:
        """Send a frame, again where the connection has sent too many: the tests share connections."""
        while (answer := self.chat.request(action, **members)).get("status") == 429:
            time.sleep(0.5)
        return answer

    def joins(self, room: str) -> "Person":
        answer = self.request("joinRoom", room=room)
        assert answer["event"] == "joined", answer
        return self

    def says(self, text: str, room: str, client_id: str | None = None) -> Frame:
        return self.request("sendMessage", room=room, text=text, clientId=client_id or uuid.uuid4().hex)

    def hears(self, event: str, seconds: float = 30, **members: Any) -> Frame:
        """Wait for a frame; those before it are gone."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self._inbox.get(timeout=max(0.01, deadline - time.monotonic()))
            if frame["event"] == event and members.items() <= frame.items():
                return frame

    def has_heard(self) -> list[Frame]:
        """Return what has come in, after an answer that came behind it."""
        self.request("ping")
        frames = []
        while not self._inbox.empty():
            frames.append(self._inbox.get())
        return frames

    @property
    def is_connected(self) -> bool:
        return self.request("ping")["event"] == "pong"


Connect = Callable[[str], Person]
Newcomer = Callable[[], Person]


@pytest.fixture(scope="module")
def access(stack: Stack, customer: ApiClient, other: ApiClient) -> dict[str, Access]:
    """Everybody signs in once: the tests are about the chat."""
    tokens = {"customer": str(customer.token), "other": str(other.token), SUPPORT: Access.of(stack, SUPPORT).id_token()}
    return {name: Access(stack.url, lambda token=token: token) for name, token in tokens.items()}  # type: ignore[misc]


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Person]]:
    """Opens the chat at an address, and closes it in the end."""
    people: list[Person] = []

    def opened(url: str) -> Person:
        people.append(Person(url))
        return people[-1]

    yield opened
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda person: person.chat.close(), people))


@pytest.fixture(scope="module")
def connect(access: dict[str, Access], opened: Callable[[str], Person]) -> Connect:
    return lambda name: opened(access[name].ticket()["url"])


@pytest.fixture(scope="module")
def newcomer(stack: Stack, rows: "Rows", opened: Callable[[str], Person]) -> Newcomer:
    """Somebody of support who is new: limits are per user, and no test uses up another's."""

    def newcomer() -> Person:
        ticket = secrets.token_urlsafe(32)
        sha256 = hashlib.sha256(ticket.encode()).hexdigest()
        rows.put(f"ticket#{sha256}", "ticket", 60, customer=str(uuid.uuid4()), name="Newcomer", group=SUPPORT)
        return opened(f"{stack.outputs['ChatApiUrl']}?ticket={ticket}")

    return newcomer


@pytest.fixture(scope="module")
def alice(connect: Connect) -> Person:
    """A customer; tests share the connection, each with rooms and texts of its own."""
    return connect("customer").joins(SUPPORT)


@pytest.fixture(scope="module")
def sam(connect: Connect) -> Person:
    """Support, who may enter any order's room."""
    return connect(SUPPORT).joins(SUPPORT)


@pytest.fixture
def room() -> str:
    """A room of the test's own: of an order that there is not, which support may enter all the same."""
    return "order-ord-" + "".join(random.choices("abcdefghijklmnopqrstuvwxyz234567", k=32))


class Rows:
    """The chat table, read and written behind the chat's back."""

    def __init__(self, stack: Stack) -> None:
        self._dynamodb = stack.client("dynamodb")
        self._table = stack.outputs["ChatTableName"]

    def of(self, partition: str) -> dict[str, dict[str, Any]]:
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )
        return {item["sk"]["S"]: item for item in answer["Items"]}

    def put(self, partition: str, sort: str, expires_in: float, **more: str) -> None:
        item = {"pk": {"S": partition}, "sk": {"S": sort}, "expiresAt": {"N": str(int(time.time() + expires_in))}}
        texts = {name: {"S": value} for name, value in more.items()}
        self._dynamodb.put_item(TableName=self._table, Item=item | texts)

    def members(self, room: str) -> set[str]:
        return {sort.removeprefix("member#") for sort in self.of(f"room#{room}") if sort.startswith("member#")}


@pytest.fixture(scope="module")
def rows(stack: Stack) -> Rows:
    return Rows(stack)


def vanish(person: Person) -> None:
    """Cut the connection as a laptop does that is closed: nobody says goodbye."""
    person.chat.socket.socket.shutdown(socket.SHUT_RDWR)


# The handshake


def refused_with(url: str, origin: str | None = None) -> int:
    with pytest.raises(Refused) as refusal:
        Chat(url, lambda frame: None, origin)
    return refusal.value.status


def test_a_ticket_is_for_one_connection_within_a_minute(access: dict[str, Access], stack: Stack) -> None:
    ticket = access["customer"].ticket()

    assert ticket["url"] == f"{stack.outputs['ChatApiUrl']}?ticket={ticket['ticket']}"
    Chat(ticket["url"], lambda frame: None).close()
    assert refused_with(ticket["url"]) in (401, 403)


def test_there_is_no_ticket_for_who_has_not_signed_in(visitor: ApiClient) -> None:
    assert visitor.request("POST", "/chat/tickets").status_code == 401


def test_without_a_ticket_there_is_no_connection(stack: Stack) -> None:
    assert refused_with(stack.outputs["ChatApiUrl"]) == 401
    assert refused_with(stack.outputs["ChatApiUrl"] + "?ticket=made-up") == 403


def test_an_expired_ticket_is_refused_before_it_is_deleted(stack: Stack, rows: Rows) -> None:
    token = secrets.token_urlsafe(32)
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    rows.put(f"ticket#{sha256}", "ticket", expires_in=-1, customer="somebody", name="Somebody", group="customer")

    assert refused_with(f"{stack.outputs['ChatApiUrl']}?ticket={token}") == 403


def test_of_connections_that_race_with_one_ticket_exactly_one_wins(access: dict[str, Access]) -> None:
    url = access["customer"].ticket()["url"]
    start = threading.Barrier(4)

    def race() -> bool:
        start.wait()
        try:
            Chat(url, lambda frame: None).close()
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = [future.result() for future in [pool.submit(race) for _ in range(4)]]

    assert won.count(True) == 1


def test_a_foreign_page_is_refused_and_does_not_use_up_the_ticket(access: dict[str, Access]) -> None:
    url = access["customer"].ticket()["url"]

    assert refused_with(url, "https://evil.example") == 403
    Chat(url, lambda frame: None).close()


# Rooms and messages


def test_a_message_reaches_both_and_the_sender_learns_its_id(alice: Person, sam: Person, stack: Stack) -> None:
    text, client_id = "Where is my mug? – ☕", uuid.uuid4().hex

    sent = alice.says(text, SUPPORT, client_id)

    assert (sent["event"], sent["room"], sent["clientId"]) == ("sent", SUPPORT, client_id)
    for person in (alice, sam):
        heard = person.hears("message", messageId=sent["messageId"])
        assert (heard["text"], heard["room"], heard["sentAt"]) == (text, SUPPORT, sent["sentAt"])
        assert heard["sender"]["group"] == "customer"
        # A name is shown to others, an address is not.
        assert stack.users["customer"].email not in json.dumps(heard)


def test_a_message_sent_again_with_the_same_client_id_is_delivered_once(alice: Person, sam: Person) -> None:
    client_id = uuid.uuid4().hex
    first = alice.says("once", SUPPORT, client_id)

    again = alice.says("once", SUPPORT, client_id)
    last = alice.says("last", SUPPORT)

    assert (again["messageId"], again["sentAt"]) == (first["messageId"], first["sentAt"])
    sam.hears("message", messageId=first["messageId"])
    assert sam.hears("message")["messageId"] == last["messageId"]


def test_fifty_in_a_room_each_hear_a_message_once_and_nobody_else_does(
    newcomer: Newcomer, sam: Person, alice: Person, room: str
) -> None:
    with ThreadPoolExecutor(8) as pool:
        crowd = list(pool.map(lambda _: newcomer().joins(room), range(CROWD)))
    alice.has_heard()

    texts = [f"to all {number}" for number in range(2)]
    for text in texts:
        crowd[0].says(text, room)

    for person in crowd:
        for text in texts:
            person.hears("message", text=text)
    with ThreadPoolExecutor(8) as pool:
        assert [frame for heard in pool.map(Person.has_heard, crowd) for frame in heard] == []
    assert [frame for frame in (*alice.has_heard(), *sam.has_heard()) if frame.get("room") == room] == []


def test_who_has_left_hears_nothing_more_and_may_not_speak(newcomer: Newcomer, sam: Person, room: str) -> None:
    leaver = newcomer().joins(room)
    sam.joins(room)
    assert leaver.request("leaveRoom", room=room)["event"] == "left"

    sam.says("are you there?", room)

    assert leaver.says("no", room)["status"] == 403
    assert leaver.has_heard() == []


def test_the_history_is_newest_first_in_pages_and_ends(sam: Person, room: str) -> None:
    sam.joins(room)
    for number in range(5):
        sam.says(f"message {number}", room)

    page = sam.request("history", room=room, limit=3)
    rest = sam.request("history", room=room, limit=3, before=page["before"])

    assert [message["text"] for message in (*page["messages"], *rest["messages"])] == [
        f"message {number}" for number in (4, 3, 2, 1, 0)
    ]
    assert "before" not in rest


# Frames that are refused


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("no JSON", 400),
        ("[]", 400),
        (json.dumps({**FRAME, "action": "fly"}), 400),
        (json.dumps({**FRAME, "action": "sendMessage", "room": SUPPORT, "text": "x" * 4_001, "clientId": "c"}), 400),
        (json.dumps({**FRAME, "action": "ping", "more": "x" * 30_000}), 413),
    ],
    ids=["not JSON", "not an object", "unknown action", "too long", "too large"],
)  # fmt: skip
def test_a_frame_that_is_refused_gets_an_error_frame_and_the_connection_stays(
    newcomer: Newcomer, text: str, status: int
) -> None:
    person = newcomer()

    person.chat.send(text)

    error = person.hears("error")
    assert error["status"] == status
    assert error["instance"].startswith("urn:uuid:")
    assert error["type"] == "about:blank"
    assert error["title"]
    assert error["detail"]
    if status == 400 and "the-frame" in text:
        assert error["requestId"] == "the-frame"
    assert "Traceback" not in json.dumps(error)
    assert person.is_connected


def test_who_sends_too_fast_is_told_so_and_may_go_on_later(newcomer: Newcomer) -> None:
    person = newcomer()

    answers = [person.chat.request("ping") for _ in range(41)]

    refused = [answer for answer in answers if answer["event"] == "error"]
    assert {answer["status"] for answer in refused} == {429}
    assert len(answers) - len(refused) <= 40
    wait_until(lambda: person.is_connected or None, "a frame is taken again", 15)


def test_a_connection_too_many_ends_its_user_s_oldest(
    access: dict[str, Access], opened: Callable[[str], Person]
) -> None:
    oldest, *others = [opened(access["other"].ticket()["url"]) for _ in range(MAX_CONNECTIONS)]

    newest = opened(access["other"].ticket()["url"])

    assert oldest.request("joinRoom", room=SUPPORT)["status"] == 403
    for person in (others[0], newest):
        person.joins(SUPPORT)


# Connections that vanish


def test_a_broadcast_cleans_up_who_has_vanished_and_reaches_the_others(
    newcomer: Newcomer, sam: Person, rows: Rows, room: str
) -> None:
    # given two who stay, one who has vanished, one that never was, and one that has expired
    stays, gone = newcomer().joins(room), newcomer().joins(room)
    sam.joins(room)
    vanish(gone)
    never, expired = "bmV2ZXItd2FzPQ=", "ZXhwaXJlZA="
    for connection_id, seconds in ((never, 3600), (expired, -1)):
        rows.put(f"connection#{connection_id}", "connection", seconds, customerId="nobody", name="N", group="customer")
        rows.put(f"room#{room}", f"member#{connection_id}", seconds)
    assert len(rows.members(room)) >= 4

    # when one of them speaks
    sent = sam.says("who is there?", room)

    # then it is sent, the others get it, and only those two are left
    assert sent["event"] == "sent"
    for person in (sam, stays):
        person.hears("message", messageId=sent["messageId"])
    wait_until(lambda: len(rows.members(room)) == 2 or None, "two members", 15)
    assert not rows.of(f"connection#{never}").keys() & {"connection"}


def test_an_expired_connection_counts_as_absent_at_once(newcomer: Newcomer, sam: Person, rows: Rows, room: str) -> None:
    person = newcomer().joins(room)
    sam.joins(room)
    (member,) = rows.members(room) - {member for member in rows.members(room) if member in rows.members(SUPPORT)}
    rows.put(f"room#{room}", f"member#{member}", expires_in=-1)

    assert person.says("I am not here", room)["status"] == 403
    sam.says("nobody else is here", room)

    # The acknowledgement comes before the broadcast, which removes the row.
    wait_until(lambda: member not in rows.members(room), "the row is gone")
    assert [frame for frame in person.has_heard() if frame["event"] == "message"] == []


def test_who_disconnects_leaves_no_rows(newcomer: Newcomer, rows: Rows, room: str) -> None:
    person = newcomer().joins(room)
    (connection_id,) = rows.members(room)

    person.chat.close()

    wait_until(lambda: not rows.members(room) or None, "no member", 15)
    assert "connection" not in rows.of(f"connection#{connection_id}")


# Orders


def test_an_order_reports_its_status_to_its_customer_alone(
    alice: Person, sam: Person, customer: ApiClient, books: Books
) -> None:
    order_id = customer.order({books.sell(): 1}).json()["orderId"]

    accepted, confirmed = (
        alice.hears("orderStatus", orderId=order_id, status=status) for status in ("PENDING", "CONFIRMED")
    )

    assert accepted["version"] < confirmed["version"]
    assert "rejectionReason" not in confirmed
    assert [frame for frame in sam.has_heard() if frame.get("orderId") == order_id] == []


def test_a_rejected_order_says_why(alice: Person, customer: ApiClient, books: Books) -> None:
    order_id = customer.order({books.sell(stock=0): 1}).json()["orderId"]

    assert alice.hears("orderStatus", orderId=order_id, status="REJECTED")["rejectionReason"] == "OUT_OF_STOCK"


def test_an_orders_room_is_for_its_customer_and_support(
    alice: Person, sam: Person, connect: Connect, customer: ApiClient, books: Books
) -> None:
    room = f"order-{customer.order({books.sell(): 1}).json()['orderId']}"
    stranger = connect("other")

    assert stranger.request("joinRoom", room=room)["status"] == 403
    assert stranger.says("hello", room)["status"] == 403
    assert stranger.request("history", room=room)["status"] == 403
    alice.joins(room)
    sam.joins(room)
    sent = sam.says("It is on its way.", room)
    assert alice.hears("message", messageId=sent["messageId"])["sender"]["group"] == SUPPORT


@pytest.mark.parametrize("name", ["lobby", "order-", "order-x/../support", "Support", ""])
def test_a_room_that_there_is_not_is_refused(sam: Person, name: str) -> None:
    assert sam.request("joinRoom", room=name)["status"] in (400, 403)


# The command-line client


class Terminal:
    """The command-line client, with a pipe at either end."""

    def __init__(self, stack: Stack, name: str, state: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools", "chat", "--as", name, "--state", str(state)],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": "src"},
        )  # fmt: skip
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def types(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def shows(self, part: str, seconds: float = 30) -> str:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.seen.append(self._lines.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no line with {part!r} in {self.seen}") from None
            if part in self.seen[-1]:
                return self.seen[-1]


def test_two_people_chat_at_two_terminals(stack: Stack, state: Path, customer: ApiClient, books: Books) -> None:
    guest, staff = Terminal(stack, "customer", state), Terminal(stack, SUPPORT, state)
    for terminal in (guest, staff):
        terminal.shows("you are in support")

    # a line goes to both, and what would do something to a terminal does nothing
    guest.types("hello \x1b[2J")
    guest.shows("error 400")
    text = f"hello {uuid.uuid4()}"
    guest.types(text)
    for terminal in (guest, staff):
        assert "\x1b" not in terminal.shows(text[-36:])

    # an order reports by itself; its room is for these two
    order_id = customer.order({books.sell(): 1}).json()["orderId"]
    guest.shows(f"order {order_id} is CONFIRMED")
    for terminal in (guest, staff):
        terminal.types(f"/join order-{order_id}")
        terminal.shows(f"you are in order-{order_id}")
    staff.types("it is on its way")
    assert f"[order-{order_id}]" in guest.shows("it is on its way")
    assert "staff " in guest.seen[-1]

    # what is wrong is one line; what is asked for comes
    guest.types(f"/join order-ord-{'a' * 32}")
    guest.shows("error 403")
    guest.types("/fly")
    guest.shows("/help lists")
    guest.types("/help")
    guest.shows("/join ROOM")
    guest.types("/history")
    guest.shows("it is on its way")
    guest.types("/leave")
    guest.shows("you have left")

    # both ends are clean
    guest.types("/quit")
    assert guest.process.wait(15) == 0
    staff.process.send_signal(signal.SIGINT)
    assert staff.process.wait(15) == 130
    assert "Traceback" not in "\n".join(guest.seen + staff.seen)


def test_a_terminal_connects_again_by_itself(stack: Stack, state: Path, sam: Person, rows: Rows) -> None:
    before = rows.members(SUPPORT)
    guest = Terminal(stack, "other", state)
    guest.shows("you are in support")
    (connection_id,) = rows.members(SUPPORT) - before

    # when the server ends the connection, as it does after two hours
    endpoint = "http" + stack.outputs["ChatApiUrl"].removeprefix("ws")
    client("apigatewaymanagementapi", endpoint, stack.credentials).delete_connection(ConnectionId=connection_id)

    guest.shows("the connection was closed")
    guest.shows("you are in support")
    text = f"welcome back {uuid.uuid4()}"
    sam.says(text, SUPPORT)
    guest.shows(text)
    guest.types("/quit")
    assert guest.process.wait(15) == 0


def test_the_access_log_and_the_metrics_have_connections_and_messages(stack: Stack, connect: Connect) -> None:
    begun = datetime.now(UTC)
    connect(SUPPORT).joins(SUPPORT)

    def recorded() -> dict[str, Frame] | None:
        found = stack.client("logs").filter_log_events(
            logGroupName=f"/aws/apigateway/{stack.name}/chat-api", startTime=int(begun.timestamp() * 1000)
        )["events"]
        lines = {line["eventType"]: line for line in (json.loads(event["message"]) for event in found)}
        return lines if {"CONNECT", "MESSAGE"} <= lines.keys() else None

    # A function answers by a post, before the gateway has its result.
    lines = wait_until(recorded, "a line of the connection and one of the message")
    assert [(lines[kind]["routeKey"], lines[kind]["status"]) for kind in ("CONNECT", "MESSAGE")] == [
        ("$connect", "200"),
        ("joinRoom", "200"),
    ]
    assert lines["CONNECT"]["connectionId"] == lines["MESSAGE"]["connectionId"]
    assert lines["CONNECT"]["principalId"] != "-"
    api_id = stack.outputs["ChatApiUrl"].split("/")[-2]
    for metric in ("ConnectCount", "MessageCount", "IntegrationLatency"):
        points = stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/ApiGateway",
            MetricName=metric,
            Dimensions=[{"Name": "ApiId", "Value": api_id}],
            StartTime=begun - timedelta(minutes=5),
            EndTime=begun + timedelta(minutes=5),
            Period=3600,
            Statistics=["SampleCount"],
        )["Datapoints"]
        assert sum(point["SampleCount"] for point in points) > 0, metric
