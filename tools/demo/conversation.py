"""The chat in a terminal: what is typed goes into a room, what is said there appears."""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from storefront.shared.text import printable
from tools.console import Problem, styled
from tools.demo import terminal
from tools.demo.chat import Access, Chat, Disconnected, Frame, is_of_the_gateway
from tools.demo.terminal import as_line

PAGE = 10
PAUSES = (1, 2, 4, 8, 16, 30)
RESEND_SECONDS = 30
_PASSING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
HELP = """\
  a line           says it in the room you joined last
  /join ROOM       support, or order- and the id of one of your orders
  /leave           leaves the room
  /history         shows the room's last messages; again, those before
  /help            shows this
  /quit            ends"""


class Conversation:
    """One person's chat at a terminal, beginning in a room."""

    def __init__(self, access: Access, room: str) -> None:
        self._access = access
        self._rooms = [room]
        self._chat: Chat | None = None
        # The connection that is back in its rooms, and the rooms whose history has been read.
        self._settled: Chat | None = None
        self._read: set[str] = set()
        # The versions that have been shown, by the ids of orders and messages.
        self._seen: dict[str, int] = {}
        self._page_before: str | None = None

    def run(self) -> None:
        """Go on until the person ends it."""
        # A first connection that fails is the person's to put right; one that is lost later is ours.
        self._chat = self._access.open(self._hear)
        threading.Thread(target=self._stay_connected, daemon=True).start()
        try:
            with suppress(Disconnected):
                self._join_rooms(self._chat)
            with suppress(EOFError):
                while (line := terminal.typed()).split()[:1] != ["/quit"]:
                    self._obey(line)
        finally:
            last, self._chat = self._chat, None
            last.close()

    def _obey(self, line: str) -> None:
        word, _, argument = line.partition(" ")
        commands: dict[str, Callable[[], object]] = {
            "": lambda: None,
            "/join": lambda: self._join(argument.strip()) if argument.strip() else self._show(HELP),
            "/leave": self._leave,
            "/history": self._earlier,
            "/help": lambda: self._show(HELP),
        }
        try:
            if command := commands.get(word):
                command()
            elif word.startswith("/"):
                self._show(f"{printable(word)} is not a command: /help lists them")
            else:
                self._say(line)
        except Problem as problem:
            self._show(styled(printable(problem), "red"))

    @property
    def _room(self) -> str:
        if not self._rooms:
            raise Problem("you are in no room: /join one")
        return self._rooms[-1]

    def _say(self, text: str) -> None:
        message = {"room": self._room, "text": text, "clientId": uuid.uuid4().hex}
        chat = self._chat
        with suppress(Disconnected):
            answer = self._ask("sendMessage", **message)
            if not is_of_the_gateway(answer):
                self._shown(answer)
                return
        # It may be there, or not. With the same id it is stored once, however often it is sent.
        self._show(styled("there was no answer: sending it again", "yellow"))
        self._wait_for_successor(chat)
        self._shown(self._ask("sendMessage", **message))

    def _wait_for_successor(self, chat: Chat | None) -> None:
        """Wait until there is a connection in its rooms, in place of one that has ended."""
        deadline = time.monotonic() + RESEND_SECONDS
        while time.monotonic() < deadline and (chat is None or chat.has_ended) and self._settled in (None, chat):
            time.sleep(0.05)

    def _join(self, room: str) -> None:
        known = frozenset(self._seen)
        if self._shown(self._ask("joinRoom", room=room)):
            self._rooms = [*(other for other in self._rooms if other != room), room]
            self._catch_up(room, known)

    def _rejoin(self, room: str) -> bool:
        """Join a room that this person was in; what passes does not lose it."""
        known = frozenset(self._seen)
        if not self._shown(self._ask_until_it_passes("joinRoom", room=room)):
            return False
        self._catch_up(room, known)
        return True

    def _join_rooms(self, chat: Chat) -> None:
        self._rooms = [room for room in list(self._rooms) if self._rejoin(room)]
        self._settled = chat

    def _catch_up(self, room: str, known: frozenset[str]) -> None:
        """Show what was said in a room: the last page, or all since a message that was known before it was joined."""
        self._show(styled(f"you are in {printable(room)}: /help lists what you can do", "dim"))
        # Joined first, read then: nothing falls between the two, and what comes twice is shown once.
        first, messages, before = room not in self._read, [], None
        while page := self._shown(self._ask_until_it_passes("history", **_page_of(room, before))):
            messages += page["messages"]
            before = page.get("before")
            if first or not before or known & {message["messageId"] for message in page["messages"]}:
                break
        self._read.add(room)
        self._page_before = before
        for message in reversed(messages):
            self._hear({"event": "message", "room": room, **message})

    def _leave(self) -> None:
        if self._shown(self._ask("leaveRoom", room=self._room)):
            left = self._rooms.pop()
            now = f"now in {self._rooms[-1]}" if self._rooms else "in no room: /join one"
            self._show(styled(f"you have left {printable(left)}, {printable(now)}", "dim"))

    def _earlier(self) -> None:
        if page := self._shown(self._ask("history", **_page_of(self._room, self._page_before))):
            self._page_before = page.get("before")
            for message in reversed(page["messages"]):
                frame = {"event": "message", "room": self._room, **message}
                self._is_repetition(frame)
                self._show(as_line(frame))

    def _ask(self, action: str, **members: Any) -> Frame:
        if chat := self._chat:
            return chat.request(action, **members)
        raise Disconnected("the connection is lost; try again in a moment")

    def _ask_until_it_passes(self, action: str, **members: Any) -> Frame:
        """Return the answer, which is none that could be another in a moment."""
        for pause in _pauses():
            answer = self._ask(action, **members)
            if not is_of_the_gateway(answer) and answer.get("status") not in _PASSING:
                break
            self._hear(answer)
            time.sleep(pause)
        return answer

    def _shown(self, answer: Frame) -> Frame | None:
        """Return an answer; an error frame, the gateway's too, is shown instead."""
        if answer.get("event") == "error" or is_of_the_gateway(answer):
            self._hear(answer)
            return None
        return answer

    def _hear(self, frame: Frame) -> None:
        if not self._is_repetition(frame):
            self._show(as_line(frame))

    def _is_repetition(self, frame: Frame) -> bool:
        """Tell whether this has been shown; the chat delivers at least once."""
        match frame:
            case {"event": "message", "messageId": shown_id}:
                version = 1
            case {"event": "orderStatus", "orderId": shown_id, "version": version}:
                pass
            case _:
                return False
        seen = self._seen.get(shown_id, 0)
        self._seen[shown_id] = max(version, seen)
        return bool(seen >= version)

    def _stay_connected(self) -> None:
        while chat := self._chat:
            closed_with = chat.wait_until_closed()
            if self._chat:
                self._show(styled(f"the connection was closed ({printable(closed_with)})", "yellow"))
                self._reconnect()

    def _reconnect(self) -> None:
        for pause in _pauses():
            self._show(styled(f"connecting again, with a new ticket, in {pause} s", "yellow"))
            time.sleep(pause)
            with suppress(Problem, RequestException, BotoCoreError, ClientError):
                self._chat = chat = self._access.open(self._hear)
                self._show(styled("orders may have moved meanwhile: GET /orders tells", "dim"))
                self._join_rooms(chat)
                return

    def _show(self, line: str) -> None:
        terminal.show(line)


def _pauses() -> chain[int]:
    return chain(PAUSES, repeat(PAUSES[-1]))


def _page_of(room: str, before: str | None) -> dict[str, Any]:
    return {"room": room, "limit": PAGE, **({"before": before} if before else {})}
