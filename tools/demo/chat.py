"""A client of the chat: one connection, its requests and what it hears."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from tools.console import Problem
from tools.demo.api_client import ApiClient, sign_in
from tools.ops.accounts import Accounts
from tools.stack.stack import Stack

Frame = Mapping[str, Any]

ANSWER_SECONDS = 30
# Idle connections are closed after ten minutes ("Quotas for configuring and running a WebSocket in API Gateway").
PING_SECONDS = 240


class Refused(Problem):
    """The chat did not accept a connection; ``status`` is the HTTP status of the refused handshake."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the chat refuses the connection with {status}: get a new ticket, and use it within a minute")
        self.status = status


class Disconnected(Problem):
    """The connection has ended; a new one needs a new ticket."""


class Chat:
    """One connection to the chat. It raises ``Refused`` if it is refused, and ``Disconnected`` if no answer comes.

    The ``url`` has a ticket, which is good for one connection within a minute. Each frame that answers no request goes
    to ``heard``, in a thread of the connection's own. A browser names its page's ``origin``, a program none.
    """

    def __init__(self, url: str, heard: Callable[[Frame], None], origin: str | None = None) -> None:
        self._exits = ExitStack()
        # Protocol pings are not known to keep a connection of API Gateway from being idle: we send frames.
        options: dict[str, Any] = {"origin": origin, "ping_interval": None, "open_timeout": ANSWER_SECONDS}
        try:
            self.socket = self._exits.enter_context(connect(url, proxy=None, **options))
        except InvalidStatus as refusal:
            raise Refused(refusal.response.status_code) from None
        except (InvalidHandshake, OSError) as error:
            raise Disconnected(f"the chat cannot be reached: {error}") from None
        self._heard = heard
        self._waiting: dict[str, Future[Frame]] = {}
        self._lock = threading.Lock()
        self._last_sent = time.monotonic()
        self._ping_unanswered = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def request(self, action: str, **members: Any) -> Frame:
        """Send a frame and return the answer to it, which may be an error frame, the chat's or the gateway's."""
        request_id, answer = str(uuid.uuid4()), Future[Frame]()
        # It waits before it is sent: when the listener ends, either it is told, or it cannot be sent.
        with self._lock:
            self._waiting[request_id] = answer
        try:
            self.send(json.dumps({"action": action, "requestId": request_id, **members}, ensure_ascii=False))
            return answer.result(ANSWER_SECONDS)
        except TimeoutError:
            raise Disconnected(f"no answer within {ANSWER_SECONDS} s: it is not known whether it was done") from None
        finally:
            with self._lock:
                self._waiting.pop(request_id, None)

    def send(self, text: str) -> None:
        """Send a text as it is, and wait for nothing."""
        self._last_sent = time.monotonic()
        try:
            self.socket.send(text)
        except ConnectionClosed:
            raise Disconnected("the connection has ended") from None

    def close(self) -> None:
        """End the connection."""
        self._exits.close()
        self._listener.join(timeout=ANSWER_SECONDS)

    def wait_until_closed(self) -> str:
        """Return the code and the reason of the connection's end when it has ended, at either side."""
        self._listener.join()
        return f"{self.socket.close_code} {self.socket.close_reason or ''}".rstrip()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be sent or heard."""
        return not self._listener.is_alive()

    def _listen(self) -> None:
        with suppress(ConnectionClosed, Disconnected):
            while True:
                try:
                    self._take(self.socket.recv(timeout=max(0.1, self._last_sent + PING_SECONDS - time.monotonic())))
                except TimeoutError:
                    self._ping()
        with self._lock:
            for waiting in self._waiting.values():
                waiting.set_exception(Disconnected("the connection has ended before the answer came"))
            self._waiting.clear()

    def _take(self, text: str | bytes) -> None:
        frame = _frame_in(text)
        with self._lock:
            request_id = str(frame.get("requestId"))
            if is_of_the_gateway(frame):
                # It names the gateway's own id of a frame, none of ours: the request that has waited longest is told.
                request_id = next(iter(self._waiting), "")
            waiting = self._waiting.pop(request_id, None)
        if waiting:
            waiting.set_result(frame)
        if frame.get("event") == "pong":
            self._ping_unanswered = False
        elif not waiting:
            try:
                self._heard(frame)
            except (LookupError, TypeError, ValueError, AttributeError):
                # One frame of a shape that nobody knows must not end the connection.
                self._heard(_unreadable(frame))

    def _ping(self) -> None:
        if self._ping_unanswered:
            # Nothing has come back for minutes: the connection has ended, and nobody has told us.
            self.socket.close()
        self._ping_unanswered = True
        self.send(json.dumps({"action": "ping", "requestId": "keep-alive"}))


def _frame_in(text: str | bytes) -> Frame:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return _unreadable(text)
    return frame if isinstance(frame, dict) else _unreadable(text)


def _unreadable(text: object) -> Frame:
    return {"event": "not a frame of the chat", "text": str(text)}


def is_of_the_gateway(frame: Frame) -> bool:
    """Tell whether a frame is the gateway's own: a stage that is throttled, a function that failed or was too slow."""
    return "event" not in frame


@dataclass(frozen=True)
class Access:
    """The access to the chat for any number of connections, each of which needs a new ticket.

    ``url`` is the REST API's, without a slash at its end; ``id_token`` returns a token that is still good.
    """

    url: str
    id_token: Callable[[], str]

    @classmethod
    def of(cls, stack: Stack, user: str) -> Self:
        """Return the access of one of a local stack's users."""
        return cls(stack.url, lambda: sign_in(stack, user))

    @classmethod
    def of_account(cls, stack: Stack, email: str, password: str) -> Self:
        """Return the access of an account."""
        return cls(stack.url, lambda: str(Accounts.of(stack).sign_in(email, password)["IdToken"]))

    def ticket(self) -> dict[str, str]:
        """Return a new ticket: ``ticket``, ``expiresAt``, and ``url`` to connect to."""
        answer = ApiClient(self.url, self.id_token()).request("POST", "/chat/tickets")
        if answer.status_code != HTTPStatus.CREATED:
            raise Problem(f"the shop gives no ticket for the chat: {answer.status_code} {answer.text}")
        ticket: dict[str, str] = answer.json()
        return ticket

    def open(self, heard: Callable[[Frame], None]) -> Chat:
        """Return a new connection."""
        return Chat(self.ticket()["url"], heard)
