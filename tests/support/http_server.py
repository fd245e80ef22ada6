"""A server on this machine that answers as a test tells it to: what a client does with an answer, over real HTTP."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from requests.adapters import HTTPAdapter


@dataclass(frozen=True)
class Answer:
    """One answer, and how many seconds the server keeps the client waiting for it."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0


class HttpServer(ThreadingHTTPServer):
    """Gives its answers in their order, and the last one from then on."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.answers = list(answers)
        self.requests: list[tuple[str, str]] = []
        self.received: list[tuple[Mapping[str, str], bytes]] = []
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def next_answer(self) -> Answer:
        """Return the answer of the next request."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Requests(BaseHTTPRequestHandler):
    server: HttpServer

    def _answer(self) -> None:
        self.server.requests.append((self.command, self.path))
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received.append((dict(self.headers), sent))
        answer = self.server.next_answer()
        if self.server.ended.wait(answer.seconds):
            return
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the tests' output to the tests."""


@contextmanager
def serving(*answers: Answer) -> Iterator[HttpServer]:
    """Have a server that gives these answers."""
    server = HttpServer(*answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()


def limits_given(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list that gets the time limits of each request, to connect and to read, in seconds."""
    given: list[Any] = []
    original = HTTPAdapter.send

    def send(self: HTTPAdapter, request: Any, **options: Any) -> Any:
        given.append(options["timeout"])
        return original(self, request, **options)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return given
