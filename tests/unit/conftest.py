"""A payment provider on this machine: the sandbox's real handler behind real HTTP."""

import io
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import settings

from storefront.shared.errors import Refusal
from storefront.shared.observability import logger
from tests.support import hostile
from tests.support.prose import is_prose
from tests.unit.orders.shop import Shop
from tools.testing.aws import Aws
from tools.testing.events import Context

# A busy machine makes no test fail.
settings.register_profile("storefront", deadline=None)
settings.load_profile("storefront")


@pytest.fixture(scope="session")
def hostile_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return hostile.environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def _hostile(hostile_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test where a person's own settings would break it."""
    for name, value in hostile_environment.items():
        monkeypatch.setenv(name, value)


class _FunctionUrl(BaseHTTPRequestHandler):
    """Turns requests into function URL events (payload format 2.0)."""

    def _answer(self) -> None:
        from payments import payments_sandbox  # noqa: PLC0415 - after moto has started

        length = int(self.headers.get("Content-Length", 0))
        event = {
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "rawPath": self.path,
            "requestContext": {"http": {"method": self.command}},
            "body": self.rfile.read(length).decode(),
            "isBase64Encoded": False,
        }
        answer = payments_sandbox.handler(event, Context())
        body = answer["body"].encode()
        self.send_response(answer["statusCode"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the tests' output to the tests."""


@pytest.fixture
def payments_sandbox(aws: Aws) -> Iterator[str]:
    """Start the sandbox and put its URL where the functions look for it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _FunctionUrl)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    aws.ssm.put_parameter(Name=os.environ["PAYMENTS_URL_PARAMETER"], Value=url, Type="String")
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(aws: Aws, payments_sandbox: str) -> Shop:
    return Shop(aws, payments_sandbox)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log; their logger holds the stream that it found at its import."""
    stream = io.StringIO()
    # Not `setStream`: it flushes the stream before, which an earlier run in this process has closed.
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture(autouse=True)
def _details_are_prose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every refusal that a test meets to a text that its reader can use."""
    made = Refusal.__init__

    def checked(refusal: Refusal, detail: str) -> None:
        assert is_prose(detail), f"no text for a reader: {detail!r}"
        made(refusal, detail)

    monkeypatch.setattr(Refusal, "__init__", checked)
