"""The chat in a terminal: what is typed goes into a room, what is said there appears."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import chain, repeat
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from local.chat import Access, Chat, Disconnected, Frame
from local.console import IS_TERMINAL, Problem, say, styled

# Importing it gives lines that can be edited, where there is a terminal; not every Python has it.
try:
    import readline
except ImportError:
    readline = None  # type: ignore[assignment]

PAGE = 10
PAUSES = (1, 2, 4, 8, 16, 30)
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
                self._join_rooms()
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
        self._request("sendMessage", room=self._rooms[-1], text=text, clientId=uuid.uuid4().hex)

    def _join(self, room: str) -> bool:
        if not self._request("joinRoom", room=room):
            return False
        self._rooms = [*(other for other in self._rooms if other != room), room]
        self._show(styled(f"you are in {printable(room)}: /help lists what you can do", "dim"))
        # Joined first, read then: nothing falls between the two, and what comes twice is shown once.
        self._history(None, only_new=True)
        return True

    def _leave(self) -> None:
        if not self._rooms:
            self._show("you are in no room")
        elif self._request("leaveRoom", room=self._rooms[-1]):
            left = self._rooms.pop()
            now = f"now in {self._rooms[-1]}" if self._rooms else "in no room: /join one"
            self._show(styled(f"you have left {printable(left)}, {printable(now)}", "dim"))

    def _earlier(self) -> None:
        if self._rooms:
            self._history(self._page_before)
        else:
            self._show("you are in no room: /join one")

    def _history(self, before: str | None, *, only_new: bool = False) -> None:
        room = self._rooms[-1]
        page = self._request("history", room=room, limit=PAGE, **({"before": before} if before else {}))
        if page:
            self._page_before = page.get("before")
            for message in reversed(page["messages"]):
                frame = {"event": "message", "room": room, **message}
                if not self._is_repetition(frame) or not only_new:
                    self._show(as_line(frame))

    def _quit(self) -> None:
        raise EOFError

    def _request(self, action: str, **members: Any) -> Frame | None:
        """Return the answer; an error frame is shown instead."""
        chat = self._chat
        if not chat:
            raise Disconnected("there is no connection; try again in a moment")
        answer = chat.request(action, **members)
        if answer.get("event") == "error":
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

    def _join_rooms(self) -> None:
        self._rooms = [room for room in list(self._rooms) if self._join(room)]

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
                self._chat = self._access.open(self._hear)
                self._join_rooms()
                return

    def _show(self, line: str) -> None:
        with self._output:
            if IS_TERMINAL and sys.stdin.isatty():
                typed = readline.get_line_buffer() if readline else ""
                print(f"\r\033[K{line}\n{_PROMPT}{typed}", end="", flush=True)
            else:
                say(line)


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
