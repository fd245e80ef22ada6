"""The shop in this process: its functions replay sample events, and reach the payment provider over real HTTP.

Every run of tests loads this module, so that its fixtures import what takes long to load.
"""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.faults import aws_error
from tools.stack.function_name import kebab_of
from tools.testing.template import resources, source

if TYPE_CHECKING:
    from tools.replay.credentials import Credentials
    from tools.replay.target import Invoke, Outcome
    from tools.testing.aws import Aws
    from tools.testing.aws_calls import AwsCall, Listen

READS = ("AdminList", "BatchGet", "Describe", "Get", "List", "Query", "Scan")


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on this machine, and give the server's URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _FunctionUrl(BaseHTTPRequestHandler):
    """Turns requests into function URL events (payload format 2.0)."""

    def _answer(self) -> None:
        from payments import payments_sandbox
        from tools.testing.events import Context

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
    with _serving(_FunctionUrl) as url:
        aws.ssm.put_parameter(Name=os.environ["PAYMENTS_URL_PARAMETER"], Value=f"{url}/", Type="String")
        yield f"{url}/"


@pytest.fixture
def credentials(aws: Aws) -> Credentials:
    """The credentials of the events, which the shop accepts."""
    from tools.replay.credentials import Credentials
    from tools.testing.aws import PAYMENTS_SECRET, WEBHOOK_SECRET

    credentials = Credentials(
        aws.dynamodb,
        partners_table=os.environ["PARTNERS_TABLE"],
        chat_table=os.environ["CHAT_TABLE"],
        user_pool_client=os.environ["USER_POOL_CLIENT_ID"],
        payments_secret=PAYMENTS_SECRET,
        webhook_secret=WEBHOOK_SECRET,
        support_token=access_token("support"),
        customer_token=access_token("customers"),
    )
    credentials.issue()
    return credentials


def access_token(group: str) -> str:
    """Return an access token of the tests' user pool; `cognito` takes it for genuine."""
    claims = {
        "sub": str(uuid.uuid5(uuid.NAMESPACE_DNS, group)),
        "username": group,
        "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{os.environ['USER_POOL_ID']}",
        "client_id": os.environ["USER_POOL_CLIENT_ID"],
        "token_use": "access",
    }
    parts = (json.dumps(part).encode() for part in ({}, claims, "signature"))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def cognito(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer as Cognito does about the tokens of the tests."""
    if operation == "AdminListGroupsForUser":
        return {"Groups": [{"GroupName": parameters["Username"]}]}
    if parameters["AccessToken"] not in map(access_token, ("support", "customers")):
        raise aws_error("NotAuthorizedException", operation)
    return {"Username": "-", "UserAttributes": []}


def functions() -> dict[str, str]:
    """Return the template's handlers by the functions' names."""
    found = resources("AWS::Serverless::Function", source())
    return {kebab_of(name): function["Handler"] for name, function in found.items()}


def timeouts() -> dict[str, int]:
    """Return the functions' timeouts, in seconds, by their names."""
    return {kebab_of(name): function["Timeout"] for name, function in resources("AWS::Lambda::Function").items()}


class OpenShop(BaseHTTPRequestHandler):
    """The public API of a shop that sells nothing yet, as the post-traffic hook looks at it."""

    def _answer(self) -> None:
        found = {"/health": {}, "/products?limit=1": {"items": []}}
        closed = {"GET /orders": 401, "POST /orders": 401, "PUT /products/SMOKE-TEST-404": 403}
        body = json.dumps(found.get(self.path, {})).encode()
        self.send_response(closed.get(f"{self.command} {self.path}", 200 if self.path in found else 404))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the tests' output to the tests."""


@pytest.fixture
def open_shop(aws: Aws) -> Iterator[None]:
    """Start the public API and put its URL where the hook looks for it."""
    with _serving(OpenShop) as url:
        aws.ssm.put_parameter(Name=os.environ["REST_API_URL_PARAMETER"], Value=url, Type="String")
        yield


@pytest.fixture
def written() -> list[str]:
    """The operations of the last invocation that change something."""
    return []


@pytest.fixture
def invoke(aws: Aws, payments_sandbox: str, open_shop: None, written: list[str], listen: Listen) -> Invoke:
    """Calls a function in-process, in a shop with the seeded catalogue, and watches what it sends."""
    from tools.rehearsal.code_deploy import Refused
    from tools.replay.target import Outcome
    from tools.replay.worker import Outbox
    from tools.stack.seed import PRODUCTS
    from tools.testing.events import Context

    for product in json.loads(PRODUCTS.read_text()):
        aws.add_product(**product)
    outbox = Outbox("get-product", "8")

    def hear(call: AwsCall) -> Any:
        if not call.operation.startswith(READS):
            written.append(call.operation)
        # Not moto's: it runs functions in containers, and knows tokens of its own making only.
        if answer := {"lambda": released_version, "cognito-idp": cognito}.get(call.service):
            return answer(call.operation, call.parameters)
        try:
            stopped = outbox.answer(call.operation, call.parameters)
        except Refused as refused:
            raise aws_error(str(refused), call.operation) from None
        # The queue and the bus are moto's, which looks at what is sent.
        return None if call.operation in ("SendMessage", "PutEvents") else stopped

    listen(hear)

    def invoke(function: str, event: Any) -> Outcome:
        outbox.sent.clear()
        written.clear()
        module, _, handler = functions()[function].rpartition(".")
        context = Context(remaining_milliseconds=1000 * timeouts()[function])
        try:
            answer = getattr(import_module(module), handler)(event, context)
        except Exception as error:
            answer = {"errorMessage": str(error), "errorType": type(error).__name__}
        # As it goes over the wire.
        return Outcome(json.loads(json.dumps(answer)), list(outbox.sent))

    return invoke


def released_version(operation: str, parameters: dict[str, Any]) -> Any:
    """Answer a hook as Lambda does, about a version that is as it must be."""
    from tools.testing.events import Context

    handler = "storefront.catalog.get_product.handler"
    if operation == "GetFunctionConfiguration":
        return {"Handler": handler}
    module, _, name = handler.rpartition(".")
    answer = getattr(import_module(module), name)(json.loads(parameters["Payload"]), Context())
    return {"Payload": io.BytesIO(json.dumps(answer).encode())}
