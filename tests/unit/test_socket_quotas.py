"""How long a connection to a WebSocket API of the local stack stays open, on a clock that nobody waits for."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tools.stack.gateway.sockets import Connection

Json = dict[str, Any]
FRAME = {"type": "websocket.receive", "text": "{}"}
CLOSE = {"type": "websocket.close", "code": 1000}
MINUTE = 60


class _Selector(selectors.DefaultSelector):
    """Lets the time that a loop would wait pass at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0
        return super().select(0)


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, None]], float]:
    """Runs a conversation, and returns the seconds that it takes on its clock."""

    def run(conversation: Coroutine[Any, Any, None]) -> float:
        selector = _Selector()
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.now  # type: ignore[method-assign]
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(conversation)
        return selector.now

    return run


class _Client:
    """A client that sends a frame at equal intervals, and keeps the server's messages."""

    def __init__(self, every: float) -> None:
        self._every = every
        self.heard: list[Json] = []

    async def receive(self) -> Json:
        await asyncio.sleep(self._every)
        return FRAME

    async def send(self, message: Json) -> None:
        self.heard.append(message)


Run = Callable[[Coroutine[Any, Any, None]], float]


def test_an_idle_connection_ends_after_ten_minutes(run: Run) -> None:
    client = _Client(every=11 * MINUTE)

    async def conversation() -> None:
        connection = Connection(client.receive, client.send)
        assert (await connection.receive())["type"] == "websocket.disconnect"
        await connection.send(CLOSE)

    assert run(conversation()) == pytest.approx(10 * MINUTE)
    assert client.heard == [CLOSE | {"code": 1001, "reason": "Going away"}]


def test_a_busy_connection_ends_after_two_hours(run: Run) -> None:
    client = _Client(every=9 * MINUTE)

    async def conversation() -> None:
        connection = Connection(client.receive, client.send)
        while (message := await connection.receive()) == FRAME:
            pass
        assert message == {"type": "websocket.disconnect", "code": 1001, "reason": "Going away"}

    assert run(conversation()) == pytest.approx(120 * MINUTE)


def test_what_a_back_end_sends_keeps_a_connection_from_being_idle(run: Run) -> None:
    client = _Client(every=1000 * MINUTE)

    async def conversation() -> None:
        connection = Connection(client.receive, client.send)
        receiving = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(9 * MINUTE)
        await connection.send({"type": "websocket.send", "text": "news"})
        await receiving

    assert run(conversation()) == pytest.approx(19 * MINUTE)


def test_a_client_that_leaves_is_heard_at_once(run: Run) -> None:
    left = {"type": "websocket.disconnect", "code": 1000}

    async def leave() -> Json:
        return left

    async def conversation() -> None:
        assert await Connection(leave, _Client(0).send).receive() == left

    assert run(conversation()) == pytest.approx(0)
