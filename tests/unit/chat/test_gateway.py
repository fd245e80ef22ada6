"""Posts over real HTTP: what is gone, what is tried again, and how long that takes at the most."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from storefront.chat import deliver_order_status, send_message
from storefront.chat.connection import MAX_POSTS_AT_ONCE, ConnectionGone, PostFailed
from storefront.chat.gateway import LAST_POST_MILLISECONDS, LONGEST_POST_SECONDS, POST_LIMITS, ConnectionGateway
from storefront.shared.aws import client


class Gateway(ThreadingHTTPServer):
    """Answers `@connections` with the status that a connection's id begins with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posts)
        self.requests: list[tuple[str, bytes]] = []
        # The statuses of the next answers; then the id's own.
        self.first: list[int] = []


class _Posts(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        connection_id = self.path.rpartition("/")[2]
        self.server.requests.append((self.path, body))
        status = self.server.first.pop() if self.server.first else int(connection_id[:3])
        if status == 599:
            threading.Event().wait(0.3)
        self.send_response(status)
        if status == 429:
            self.send_header("x-amzn-ErrorType", "LimitExceededException")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the tests' output to the tests."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long would have been waited between attempts."""
    waited: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", waited.append)
    return waited


def posting_to(gateway: Gateway, limits: Any = POST_LIMITS) -> ConnectionGateway:
    endpoint = f"http://127.0.0.1:{gateway.server_port}/dev"
    return ConnectionGateway(client("apigatewaymanagementapi", endpoint=endpoint, limits=limits))


def test_a_frame_is_posted_as_utf_8(gateway: Gateway) -> None:
    posting_to(gateway).post("200-a", {"event": "message", "text": "Ä\U0001f600\x01"})

    ((path, body),) = gateway.requests
    assert path == "/dev/@connections/200-a"
    assert json.loads(body) == {"event": "message", "text": "Ä\U0001f600\x01"}
    assert "\U0001f600".encode() in body


def test_a_connection_that_is_gone_is_not_tried_again(gateway: Gateway) -> None:
    with pytest.raises(ConnectionGone, match="410-a"):
        posting_to(gateway).post("410-a", {})

    assert len(gateway.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_post_that_fails_is_tried_three_times(gateway: Gateway, pauses: list[float], status: int) -> None:
    with pytest.raises(PostFailed):
        posting_to(gateway).post(f"{status}-a", {})

    assert len(gateway.requests) == 3
    assert sum(pauses) <= 1 + 2


@pytest.mark.parametrize("status", [429, 500])
def test_a_post_that_fails_twice_arrives(gateway: Gateway, pauses: list[float], status: int) -> None:
    gateway.first = [status, status]

    posting_to(gateway).post("200-a", {})

    assert len(gateway.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_post_that_is_refused_is_not_tried_again(gateway: Gateway, status: int) -> None:
    with pytest.raises(PostFailed):
        posting_to(gateway).post(f"{status}-a", {})

    assert len(gateway.requests) == 1


def test_a_connection_that_takes_nothing_is_given_up(gateway: Gateway, pauses: list[float]) -> None:
    with pytest.raises(PostFailed, match="ReadTimeout"):
        posting_to(gateway, POST_LIMITS.merge(type(POST_LIMITS)(read_timeout=0.05))).post("599-a", {})

    assert len(gateway.requests) == 3


def test_a_gateway_that_is_not_there_is_a_post_that_failed(pauses: list[float]) -> None:
    unreachable = ConnectionGateway(
        client("apigatewaymanagementapi", endpoint="http://127.0.0.1:9", limits=POST_LIMITS)
    )

    with pytest.raises(PostFailed):
        unreachable.post("200-a", {})


def test_where_nearly_all_posts_are_throttled_few_are_tried_again(gateway: Gateway, pauses: list[float]) -> None:
    throttled = posting_to(gateway)

    for number in range(300):
        with pytest.raises(PostFailed):
            throttled.post(f"429-{number}", {})

    attempts = Counter(path for path, _ in gateway.requests)
    assert len(attempts) == 300
    # botocore's quota: 500 tokens, of which a retry takes 5
    assert len(gateway.requests) == 300 + 500 // 5


@pytest.mark.parametrize("function", [send_message, deliver_order_status])
def test_each_thread_that_posts_has_a_connection_to_the_table(function: Any) -> None:
    assert function._connections._dynamodb.meta.config.max_pool_connections == MAX_POSTS_AT_ONCE


def test_the_longest_post_is_known() -> None:
    limits: Any = POST_LIMITS

    attempts = limits.retries["total_max_attempts"]

    assert attempts * (limits.connect_timeout + limits.read_timeout) + 1 + 2 == LONGEST_POST_SECONDS
    assert LAST_POST_MILLISECONDS > LONGEST_POST_SECONDS * 1000
