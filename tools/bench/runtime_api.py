"""The runtime API of Lambda for one process ("Using the Lambda runtime API for custom runtimes", AWS Lambda Developer
Guide). Times are by ``time.perf_counter``.
"""

from __future__ import annotations

import json
import queue
import re
import socketserver
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

_NEXT = "/2018-06-01/runtime/invocation/next"
_OUTCOME = re.compile(r"/2018-06-01/runtime/(?:invocation/(?P<request>[^/]+)/(?P<kind>response|error)|init/error)")


@dataclass(frozen=True)
class Invocation:
    """An event with what Lambda tells about it: the seconds until the timeout, and the function's ARN."""

    event: Any
    timeout: float
    arn: str


@dataclass(frozen=True)
class Outcome:
    """The end of an invocation, or of a failed initialisation; an error is as the runtime reports it."""

    at: float
    answer: Any = None
    error: dict[str, Any] | None = None


class RuntimeApi(socketserver.ThreadingTCPServer):
    """Hands out ``invocations`` and collects ``outcomes``, until ``None``; initialisation ends when it is ``asked``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.invocations: queue.Queue[Invocation | None] = queue.Queue()
        self.outcomes: queue.Queue[Outcome | None] = queue.Queue()
        self.asked = threading.Event()
        self.asked_at = 0.0
        self.request_id = ""

    @property
    def address(self) -> str:
        """The value of ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.invocations.put(None)
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a process that was ended while it was connected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Conversation(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    # Head and body are two packets; together they must not wait for the client to confirm the first.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Hand out the next event, when there is one."""
        if self.path != _NEXT:
            self._reply(HTTPStatus.NOT_FOUND)
            return
        self.server.asked_at = self.server.asked_at or time.perf_counter()
        self.server.asked.set()
        invocation = self.server.invocations.get()
        if invocation is None:
            self.close_connection = True
            return
        self.server.request_id = str(uuid.uuid4())
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.server.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        }
        self._reply(HTTPStatus.OK, json.dumps(invocation.event).encode(), headers)

    def do_POST(self) -> None:
        """Take an answer or an error."""
        content, now = self.rfile.read(int(self.headers["Content-Length"])), time.perf_counter()
        found = _OUTCOME.fullmatch(self.path)
        if not found or found["request"] not in (None, self.server.request_id):
            self._reply(HTTPStatus.NOT_FOUND)
            return
        kind = "answer" if found["kind"] == "response" else "error"
        self.server.outcomes.put(Outcome(now, **{kind: json.loads(content)}))
        self._reply(HTTPStatus.ACCEPTED, b'{"status":"OK"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing."""

    def _reply(self, status: HTTPStatus, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
