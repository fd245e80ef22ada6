"""The runtime API of Lambda, for one process and one invocation: hands out the event, and notes when.

"Using the Lambda runtime API for custom runtimes", AWS Lambda Developer Guide.
"""

from __future__ import annotations

import json
import re
import socketserver
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

_VERSION = "/2018-06-01/runtime"


@dataclass(frozen=True)
class Invocation:
    """What a function is called with."""

    event: Any
    timeout: int
    arn: str = "arn:aws:lambda:us-east-1:000000000000:function:benchmark"
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def headers(self) -> dict[str, str]:
        """What comes with the event."""
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        }


class RuntimeApi(socketserver.ThreadingTCPServer):
    """The server.

    Parameters
    ----------
    invocation
        What the function is called with; ``None`` where it is only initialised.

    Attributes
    ----------
    ended
        Set once the function has answered or failed, or has got as far as it is to get.
    closed
        Set once nobody waits for it any more.
    asked_at
        When it asked for the event for the first time: its initialisation is over. The clock is ``time.perf_counter``.
    answered_at
        When its answer was there.
    answer
        What it has answered.
    error
        What it, or its initialisation, has failed with, as the runtime reports it.
    """

    daemon_threads = True

    def __init__(self, invocation: Invocation | None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.invocation = invocation
        self.ended = threading.Event()
        self.closed = threading.Event()
        self.asked_at: float | None = None
        self.answered_at: float | None = None
        self.answer: Any = None
        self.error: dict[str, Any] | None = None

    @property
    def address(self) -> str:
        """What the runtime finds in ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a process that was ended while it was connected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(invocation: Invocation | None) -> Iterator[RuntimeApi]:
    """Serve one invocation, or none; the runtime that has got it is given no other."""
    with RuntimeApi(invocation) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.closed.set()
            server.shutdown()


class _Conversation(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    # Head and body are two packets; together they must not wait for the client to confirm the first.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Hand out the event, once: whoever asks again waits, as a function between two invocations does."""
        if self.path != f"{_VERSION}/invocation/next":
            self._reply(HTTPStatus.NOT_FOUND)
            return
        invocation = self.server.invocation if self.server.asked_at is None else None
        self.server.asked_at = self.server.asked_at or time.perf_counter()
        if invocation:
            self._reply(HTTPStatus.OK, json.dumps(invocation.event).encode(), invocation.headers)
        else:
            self.server.ended.set()
            self.server.closed.wait()
            self.close_connection = True

    def do_POST(self) -> None:
        """Take an answer or an error."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        now = time.perf_counter()
        what = re.fullmatch(rf"{_VERSION}/(?:invocation/([^/]+)/(response|error)|init/(error))", self.path)
        if not what or (what[1] and what[1] != (self.server.invocation and self.server.invocation.request_id)):
            self._reply(HTTPStatus.NOT_FOUND)
            return
        if what[2] == "response":
            self.server.answer, self.server.answered_at = json.loads(content), now
        else:
            self.server.error = json.loads(content)
        self.server.ended.set()
        self._reply(HTTPStatus.ACCEPTED, b'{"status":"OK"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing."""

    def _reply(self, status: HTTPStatus, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
