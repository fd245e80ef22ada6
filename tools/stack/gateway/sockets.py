"""A client's connection to a WebSocket API: its handshake, and the quotas of messages and time.

Quotas for configuring and running a WebSocket API in API Gateway:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

Json = dict[str, Any]
_LARGEST_FRAME, LARGEST_MESSAGE = 32 * 1024, 128 * 1024
_IDLE_SECONDS, _LONGEST_SECONDS = 10 * 60, 2 * 60 * 60
_TOO_LARGE = "too_large"
current: ContextVar[Connection] = ContextVar("current")


class Connection:
    """A client's connection, whose clock is the event loop's; the server's side ends it with a code.

    Attributes
    ----------
    connected_at
        The time of the handshake, in milliseconds.
    handshake
        The answer of the route $connect: ``status``, and ``subprotocol`` if there is one.
    """

    def __init__(self, receive: Callable[[], Awaitable[Json]], send: Callable[[Json], Awaitable[None]]) -> None:
        self._receive, self._send = receive, send
        self._clock = asyncio.get_running_loop().time
        self._began = self._active = self._clock()
        self._end: Json = {}
        self._is_open = False
        self.connected_at = int(time.time() * 1000)
        self.handshake: Json = {}
        current.set(self)

    async def receive(self) -> Json:
        """Return what the client sends, or the connection's end when one of its times is over.

        A binary frame ends it as well: https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html
        """
        while (left := self._seconds_left()) > 0:
            try:
                async with asyncio.timeout(left):
                    message = await self._receive()
            except TimeoutError:
                continue  # the server may have sent something in the meantime
            self._active = self._clock()
            if message.get(_TOO_LARGE):
                return self._ended(1009, "")
            return message if message.get("bytes") is None else self._ended(1003, "")
        return self._ended(1001, "Going away")

    async def send(self, message: Json) -> None:
        """Send what the server sends; a refused handshake has the status of $connect, and an end its code.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html
        """
        self._active = self._clock()
        if message["type"] == "websocket.accept":
            self._is_open = True
            message = message | {"subprotocol": self.handshake.get("subprotocol")}
        elif message["type"] == "websocket.close" and (self._is_open or not self.handshake):
            message = message | self._end
        elif message["type"] == "websocket.close":
            await self._send({"type": "websocket.http.response.start", "headers": [], **self.handshake})
            message = {"type": "websocket.http.response.body", "body": b""}
        await self._send(message)

    def _seconds_left(self) -> float:
        return min(self._active + _IDLE_SECONDS, self._began + _LONGEST_SECONDS) - self._clock()

    def _ended(self, code: int, reason: str) -> Json:
        self._end = {"code": code, "reason": reason}
        return {"type": "websocket.disconnect"} | self._end


def within_quotas(buffer: type[Any]) -> type[Any]:
    """Return the server's buffer of a message's frames, which drops what is too large and says so."""

    class Buffer(buffer):  # type: ignore[misc]
        _frame = _message = 0
        _too_large = False

        def extend(self, event: Any) -> None:
            size = len(event.data.encode() if isinstance(event.data, str) else event.data)
            self._frame, self._message = self._frame + size, self._message + size
            self._too_large |= self._frame > _LARGEST_FRAME or self._message > LARGEST_MESSAGE
            if event.frame_finished:
                self._frame = 0
            if not self._too_large:
                super().extend(event)

        def to_message(self) -> Json:
            return {"type": "websocket.receive", _TOO_LARGE: True} if self._too_large else dict(super().to_message())

        def clear(self) -> None:
            super().clear()
            self._message, self._too_large = 0, False

    return Buffer
