"""The chat in a terminal: what is typed goes into a room, what is said there appears."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from tools.console import IS_TERMINAL, Problem, say, styled
from tools.demo.chat import Access, Chat, Disconnected, Frame, is_of_the_gateway

# Importing it gives lines that can be edited, where there is a terminal; not every Python has it.
try:
    import readline
except ImportError:
    readline = None  # type: ignore[assignment]

PAGE = 10
PAUSES = (1, 2, 4, 8, 16, 30)
RESEND_SECONDS = 30
_PASSING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
_PROMPT = "> "
HELP = """\
  a line           says it in the room you joined last
  /join ROOM       support, or order- and the id of one of your orders
  /leave           leaves the room
  /history         shows the room's last messages; again, those before
  /help            shows this
  /quit            ends"""


class Conversation:
    """What one person at a terminal does with the chat.

    Parameters
    ----------
    access
        What they connect with.
    room
        The room that they join first.
    """

    def __init__(self, access: Access, room: str) -> None:
        self._access = access
        self._rooms = [room]
        self._chat: Chat | None = None
        # The connection that is back in its rooms, and the rooms whose history has been read.
        self._settled: Chat | None = None
        self._read: set[str] = set()
        self._seen: set[str] = set()
        self._versions: dict[str, int] = {}
        self._page_before: str | None = None
        self._output = threading.Lock()

    def run(self) -> None:
        """Go on until the person ends it."""
        # Whoever cannot connect at all has to do something about it; whoever loses the connection later has not.
        self._chat = self._access.open(self._hear)
        threading.Thread(target=self._stay_connected, daemon=True).start()
        try:
            with suppress(Disconnected):
                self._join_rooms(self._chat)
            while True:
                self._obey(self._typed())
        except EOFError:
            pass
        finally:
            chat, self._chat = self._chat, None
            if chat:
                chat.close()

    def _typed(self) -> str:
        if not IS_TERMINAL or not sys.stdin.isatty():
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return line.strip()
        line = input(_PROMPT).strip()
        # Everybody's lines come from the server, one's own too: what was typed makes room for it.
        print("\033[A\r\033[K", end="", flush=True)
        return line

    def _obey(self, line: str) -> None:
        word, _, argument = line.partition(" ")
        commands: dict[str, Callable[[], object]] = {
            "": lambda: None,
            "/join": lambda: self._join(argument.strip()) if argument.strip() else self._show(HELP),
            "/leave": self._leave,
            "/history": self._earlier,
            "/help": lambda: self._show(HELP),
            "/quit": self._quit,
        }
        command = commands.get(word)
        try:
            if command:
                command()
            elif word.startswith("/"):
                self._show(f"there is no {printable(word)}: /help lists what there is")
            else:
                self._say(line)
        except Disconnected as ended:
            self._show(styled(str(ended), "red"))

    def _say(self, text: str) -> None:
        if not self._rooms:
            self._show("you are in no room: /join one")
            return
        message = {"room": self._rooms[-1], "text": text, "clientId": uuid.uuid4().hex}
        chat = self._chat
        with suppress(Disconnected):
            answer = self._ask("sendMessage", **message)
            if not is_of_the_gateway(answer):
                self._shown(answer)
                return
        # It may be there, or not. With the same id it is stored once, however often it is sent.
        self._show(styled("there was no answer: sending it again", "yellow"))
        self._wait_for_successor(chat)
        self._request("sendMessage", **message)

    def _wait_for_successor(self, chat: Chat | None) -> None:
        """Wait until there is a connection in its rooms, in place of one that has ended."""
        deadline = time.monotonic() + RESEND_SECONDS
        while time.monotonic() < deadline and (chat is None or chat.has_ended) and self._settled in (None, chat):
            time.sleep(0.05)

    def _join(self, room: str) -> None:
        known = frozenset(self._seen)
        if self._request("joinRoom", room=room):
            self._rooms = [*(other for other in self._rooms if other != room), room]
            self._catch_up(room, known)

    def _rejoin(self, room: str) -> bool:
        """Join a room that this person was in; what passes does not lose it."""
        known = frozenset(self._seen)
        if not self._shown(self._ask_until_it_passes("joinRoom", room=room)):
            return False
        self._catch_up(room, known)
        return True

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
        if not self._rooms:
            self._show("you are in no room")
        elif self._request("leaveRoom", room=self._rooms[-1]):
            left = self._rooms.pop()
            now = f"now in {self._rooms[-1]}" if self._rooms else "in no room: /join one"
            self._show(styled(f"you have left {printable(left)}, {printable(now)}", "dim"))

    def _earlier(self) -> None:
        if self._rooms:
            self._history(self._rooms[-1], self._page_before)
        else:
            self._show("you are in no room: /join one")

    def _history(self, room: str, before: str | None) -> None:
        page = self._request("history", **_page_of(room, before))
        if page:
            self._page_before = page.get("before")
            for message in reversed(page["messages"]):
                frame = {"event": "message", "room": room, **message}
                self._is_repetition(frame)
                self._show(as_line(frame))

    def _quit(self) -> None:
        raise EOFError

    def _request(self, action: str, **members: Any) -> Frame | None:
        """Return the answer; an error frame is shown instead."""
        return self._shown(self._ask(action, **members))

    def _ask(self, action: str, **members: Any) -> Frame:
        chat = self._chat
        if not chat:
            raise Disconnected("there is no connection; try again in a moment")
        return chat.request(action, **members)

    def _ask_until_it_passes(self, action: str, **members: Any) -> Frame:
        """Return the answer, which is none that could be another in a moment."""
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            answer = self._ask(action, **members)
            if not is_of_the_gateway(answer) and answer.get("status") not in _PASSING:
                return answer
            self._hear(answer)
            time.sleep(pause)
        raise AssertionError("the pauses have no end")

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
        if frame.get("event") == "message":
            repeated = frame["messageId"] in self._seen
            self._seen.add(frame["messageId"])
            return repeated
        if frame.get("event") == "orderStatus":
            seen = self._versions.get(frame["orderId"], 0)
            self._versions[frame["orderId"]] = max(frame["version"], seen)
            return seen >= int(frame["version"])
        return False

    def _join_rooms(self, chat: Chat) -> None:
        self._rooms = [room for room in list(self._rooms) if self._rejoin(room)]
        self._settled = chat

    def _stay_connected(self) -> None:
        while chat := self._chat:
            chat.wait_until_closed()
            if not self._chat:
                return
            self._show(styled(f"the connection was closed ({chat.closed_with})", "yellow"))
            self._reconnect()

    def _reconnect(self) -> None:
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            self._show(styled(f"connecting again, with a new ticket, in {pause} s", "yellow"))
            time.sleep(pause)
            with suppress(Problem, RequestException, BotoCoreError, ClientError):
                self._chat = chat = self._access.open(self._hear)
                self._show(styled("orders may have moved meanwhile: GET /orders tells", "dim"))
                self._join_rooms(chat)
                return

    def _show(self, line: str) -> None:
        with self._output:
            if IS_TERMINAL and sys.stdin.isatty():
                typed = readline.get_line_buffer() if readline else ""
                print(f"\r\033[K{line}\n{_PROMPT}{typed}", end="", flush=True)
            else:
                say(line)


def _page_of(room: str, before: str | None) -> dict[str, Any]:
    return {"room": room, "limit": PAGE, **({"before": before} if before else {})}


def as_line(frame: Frame) -> str:
    """Return a frame as a person reads it."""
    match frame:
        case {"event": "message", "room": room, "sender": sender, "text": text, "sentAt": sent_at}:
            who = styled(printable(sender["name"]), "green" if sender["group"] == "support" else "cyan")
            staff = " (support)" if sender["group"] == "support" else ""
            return f"{_clock(sent_at)} [{printable(room)}] {who}{staff}: {printable(text)}"
        case {"event": "orderStatus", "orderId": order_id, "status": status}:
            reason = f" ({printable(frame['rejectionReason'])})" if frame.get("rejectionReason") else ""
            what = f"order {printable(order_id)} is {styled(printable(status), 'bold')}{reason}"
            return f"{_clock(frame['occurredAt'])} {what}"
        case {"event": "error", "status": status, "title": title, "detail": detail}:
            return styled(f"error {status} {printable(title)}: {printable(detail)}", "red")
        case _:
            # The gateway's own words, such as when no function could be called.
            return styled(printable(str(dict(frame))), "yellow")


def printable(text: object) -> str:
    """Return a text without characters that do something to a terminal: others have written it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(text))


def _clock(time_text: str) -> str:
    return styled(datetime.fromisoformat(time_text).astimezone().strftime("%H:%M:%S"), "dim")
