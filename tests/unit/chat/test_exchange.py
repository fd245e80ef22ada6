"""One frame, alone: how it is read, answered, refused and counted, whatever its route does."""

import io
import json
from datetime import datetime
from typing import Any

import pytest

from storefront.chat import frame
from storefront.chat.connection import ConnectionGone, PostFailed
from storefront.chat.gateway import ConnectionGateway
from storefront.chat.websocket import Exchange, connection_handler, websocket_handler
from storefront.shared.errors import NotFound, TooManyRequests
from storefront.shared.observability import metrics
from tests.support.faults import aws_error
from tools.testing.chat import Client, post_error
from tools.testing.events import Context

ADA = Client("ada-1")
PING = {"action": "ping", "requestId": "r-1"}
PROBLEM = {"type": "about:blank", "instance": "urn:uuid:00000000-0000-0000-0000-000000000000"}
BUSY = "The chat is busy. Send the same frame again in a moment; with the same `clientId` it is safe."
UNEXPECTED = "Something went wrong on our side. Try again; if it goes on, tell us the `instance` of this answer."


class World:
    """The connections and the gateway, which keep what is done to them."""

    def __init__(self, route: Any = None, *, post_error: Exception | None = None, full: bool = False) -> None:
        self._route = route
        self._post_error = post_error
        self._full = full
        self.done: list[Any] = []

    def count_frame(self, customer_id: str, now: datetime) -> None:
        self.done.append(("counted", customer_id))
        if self._full:
            raise TooManyRequests("Slow down.")

    def close(self, connection_id: str, *seen_in: str) -> None:
        self.done.append(("closed", connection_id))

    def post(self, connection_id: str, answer: frame.Frame) -> None:
        if self._post_error:
            raise self._post_error
        self.done.append((connection_id, answer))

    def handle(self, body: Any = PING, left: int = 60_000) -> dict[str, Any]:
        metrics.clear_metrics()

        @websocket_handler(json.loads, self, self)  # type: ignore[arg-type]
        def handler(exchange: Exchange[Any]) -> None:
            if isinstance(self._route, Exception):
                raise self._route
            exchange.answer(frame.pong(exchange.request["requestId"]))

        return handler(ADA.event("any", body), Context(remaining_milliseconds=left))  # type: ignore[arg-type]


def error(status: int, title: str, detail: str, request_id: str | None = "r-1") -> tuple[str, Any]:
    problem = {**PROBLEM, "status": status, "title": title, "detail": detail}
    return "ada-1", {"event": "error", "requestId": request_id, **problem}


def test_a_frame_is_answered() -> None:
    world = World()

    assert world.handle() == {"statusCode": 200}

    assert world.done == [("ada-1", {"event": "pong", "requestId": "r-1"})]


def test_a_frame_that_is_refused_counts_and_is_told_why(log: io.StringIO) -> None:
    world = World(NotFound("Look elsewhere."))

    assert world.handle() == {"statusCode": 200}

    assert world.done == [("counted", "ada"), error(404, "Not Found", "Look elsewhere.")]
    line = json.loads(log.getvalue())
    assert (line["refusal"], line["connection_id"]) == ("NotFound", "ada-1")


@pytest.mark.parametrize("refusal", [NotFound("Look elsewhere."), TooManyRequests("Slow down.")])
def test_a_frame_too_many_is_told_so_and_counts_once(refusal: Exception) -> None:
    world = World(refusal, full=True)

    world.handle()

    counted = [("counted", "ada")] * isinstance(refusal, NotFound)
    assert world.done == [*counted, error(429, "Too Many Requests", "Slow down.")]


@pytest.mark.parametrize("request_id", [None, 1, "", "a b", "x" * 65, "r\n"])
def test_a_request_id_that_is_none_is_not_repeated(request_id: Any) -> None:
    world = World(NotFound("Look elsewhere."))

    world.handle({"action": "ping", "requestId": request_id})

    assert world.done[-1] == error(404, "Not Found", "Look elsewhere.", request_id=None)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (KeyError("canary"), error(500, "Internal Server Error", UNEXPECTED)),
        (aws_error("ThrottlingException"), error(503, "Service Unavailable", BUSY)),
    ],
)
def test_a_fault_of_ours_is_told_as_one(failure: Exception, told: Any) -> None:
    world = World(failure)

    assert world.handle() == {"statusCode": 500}

    assert world.done == [told]


@pytest.mark.parametrize(
    ("post_error", "left", "counted", "done"),
    [
        (None, 2_000, {}, [("ada-1", {"event": "pong", "requestId": "r-1"})]),
        (PostFailed("LimitExceededException"), 60_000, {"ChatPostsFailed": [1.0]}, []),
        (ConnectionGone("ada-1"), 2_001, {"ChatPostsGone": [1.0]}, [("closed", "ada-1")]),
        # Too late to clean up.
        (ConnectionGone("ada-1"), 2_000, {"ChatPostsGone": [1.0]}, []),
    ],
)
def test_an_answer_that_does_not_arrive_is_counted(
    capsys: pytest.CaptureFixture[str],
    post_error: Exception | None,
    left: int,
    counted: dict[str, list[float]],
    done: list[Any],
) -> None:
    world = World(post_error=post_error)

    assert world.handle(left=left) == {"statusCode": 200}

    assert world.done == done
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [{name: line[name] for name in line if name.startswith("ChatPosts")} for line in lines] == [counted][
        : len(counted)
    ]


def test_a_frame_that_fails_behind_its_answer_is_answered_once() -> None:
    world = World()

    @websocket_handler(json.loads, world, world)  # type: ignore[arg-type]
    def handler(exchange: Exchange[Any]) -> None:
        exchange.answer(frame.pong("r-1"))
        raise KeyError("canary")

    assert handler(ADA.event("any", PING), Context()) == {"statusCode": 500}  # type: ignore[arg-type]
    assert world.done == [("ada-1", {"event": "pong", "requestId": "r-1"})]


@pytest.mark.parametrize(
    ("size", "status", "detail"),
    [
        (30_000, 400, 'The frame is not a JSON object. Send one such as {"action":"ping","requestId":"1"}.'),
        (30_001, 413, "The frame is too large. Send at most 30000 bytes, as UTF-8 and not escaped."),
    ],
)
def test_a_frame_has_a_largest_size(size: int, status: int, detail: str) -> None:
    world = World()

    world.handle("é" * (size // 2) + "x" * (size % 2))

    (_, told) = world.done[-1]
    assert (told["status"], told["detail"]) == (status, detail)


def test_half_a_character_in_a_frame_is_read_as_another() -> None:
    world = World()

    world.handle('{"requestId": "r-1", "text": "\ud800"}')

    assert world.done == [("ada-1", {"event": "pong", "requestId": "r-1"})]


def test_a_frame_that_names_a_route_of_the_gateway_s_counts_for_its_user() -> None:
    world = World()

    @connection_handler(world)  # type: ignore[arg-type]
    def handler(event: Any) -> None:
        pytest.fail("not the gateway's event")

    assert handler(ADA.event("any", PING), Context()) == {"statusCode": 200}  # type: ignore[arg-type]
    assert world.done == [("counted", "ada")]


def test_a_post_that_fails_says_why() -> None:
    class Refusing:
        def post_to_connection(self, **_: Any) -> None:
            raise post_error("LimitExceededException", 429)

    with pytest.raises(PostFailed, match=r"^LimitExceededException$"):
        ConnectionGateway(Refusing()).post("ada-1", PING)
