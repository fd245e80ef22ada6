"""API Gateway calls services of AWS and HTTP endpoints, and converts their payloads."""

import base64
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.gateway_api import deployed
from tests.support.gateway_integrations import NAME, template
from tests.support.waiting import wait_until
from tools.stack.stack import Stack

Json = dict[str, Any]
Call = Callable[..., requests.Response]
DATA = b"\x89PNG\xff"
AS_TEXT = base64.b64encode(DATA)
UNDEFINED, TO_BINARY, TO_TEXT = "None", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"


class Backend(BaseHTTPRequestHandler):
    """Answers with the bytes that came, in hexadecimal digits, or with an image or a text."""

    def do_POST(self) -> None:
        came = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answers = {"/image": ("image/png", DATA), "/text": ("text/plain", AS_TEXT)}
        kind, body = answers.get(self.path, ("text/plain", came.hex().encode()))
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Location", "/text")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def outputs(stack: Stack) -> Iterator[Json]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with deployed(stack, NAME, template(server.server_address[1])) as values:
        yield values
    server.shutdown()


@pytest.fixture(scope="module")
def call(stack: Stack, outputs: Json) -> Call:
    def send(path: str, method: str = "POST", **more: Any) -> requests.Response:
        url = f"{stack.endpoint}/_aws/execute-api/{outputs['Api']}/test{path}"
        return requests.request(method, url, timeout=30, **more)

    return send


def test_a_template_names_the_request_by_its_context(stack: Stack, outputs: Json, call: Call) -> None:
    context = call("/context/x", "GET", headers={"User-Agent": "tests", "x-api-key": "not asked for"}).json()

    identifiers = {name: context.pop(name) for name in ("requestId", "extendedRequestId", "resourceId")}
    times = context.pop("requestTime"), context.pop("requestTimeEpoch")
    host = stack.endpoint.removeprefix("http://")
    assert context == {
        "accountId": "000000000000",
        "apiId": outputs["Api"],
        "domainName": host,
        "domainPrefix": "127",
        "httpMethod": "GET",
        "path": "/test/context/x",
        "protocol": "HTTP/1.1",
        "resourcePath": "/context/{id}",
        "stage": "test",
        "sourceIp": "127.0.0.1",
        "userAgent": "tests",
        "none": "",
    }
    assert all(identifiers.values())
    assert re.fullmatch(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000", times[0])
    assert re.fullmatch(r"\d{13}", times[1])


def received(stack: Stack, queue: str, text: str) -> Json:
    """Return the body of the queue's message that has a text in it."""
    sqs = stack.client("sqs")

    def arrived() -> Json | None:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        return next((json.loads(each["Body"]) for each in messages if text in each["Body"]), None)

    return wait_until(arrived, f"a message with {text}")


def test_a_message_is_sent_to_a_queue(stack: Stack, outputs: Json, call: Call) -> None:
    mark = f"b&c {uuid.uuid4()}"

    answer = call("/allowed/queue", json={"a": mark}).json()

    assert answer["SendMessageResponse"]["SendMessageResult"]["MessageId"]
    assert received(stack, outputs["Queue"], mark) == {"a": mark}


def test_an_event_is_put_on_the_bus(stack: Stack, outputs: Json, call: Call) -> None:
    mark = str(uuid.uuid4())

    assert call("/allowed/events", json={"a": mark}).json()["FailedEntryCount"] == 0

    assert received(stack, outputs["Queue"], mark)["detail"] == {"a": mark}


def test_a_rule_sends_to_a_queue_only_if_the_queue_s_policy_allows_it(
    stack: Stack, outputs: Json, call: Call, state: Path
) -> None:
    queue, mark = outputs["Queue"], str(uuid.uuid4())

    call("/allowed/events", json={"a": mark})

    received(stack, queue, mark)
    wait_until(lambda: "RuleOfOthers" in (state / "emulator.log").read_text(), "a line about the rule that may not")
    again = stack.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=0).get("Messages", [])
    assert [each for each in again if mark in each["Body"]] == []


def test_an_item_is_put_into_a_table(stack: Stack, outputs: Json, call: Call) -> None:
    key = {"id": {"S": str(uuid.uuid4())}}

    assert call("/allowed/items", json={"a": key["id"]["S"]}).json() == {}

    assert stack.client("dynamodb").get_item(TableName=outputs["Table"], Key=key)["Item"] == key


def test_a_state_machine_is_started(stack: Stack, call: Call) -> None:
    started = call("/allowed/executions", json={"a": "it's"}).json()

    execution = stack.client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    assert json.loads(execution["input"]) == {"a": "it's"}


@pytest.mark.parametrize("name", ["queue", "items", "events", "executions"])
def test_a_service_refuses_a_role_that_may_not_call_it(call: Call, name: str) -> None:
    assert "AccessDenied" in call(f"/forbidden/{name}", json={"a": "b"}).text


def test_a_redirection_of_the_back_end_is_left_to_the_client(call: Call) -> None:
    answer = call("/moved", allow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/text")


# Content type conversions in API Gateway: type and payload of the request, contentHandling, and what the back end gets.
@pytest.mark.parametrize(
    ("kind", "payload", "handling", "expected"),
    [
        ("text/plain", AS_TEXT, UNDEFINED, AS_TEXT),
        ("text/plain", AS_TEXT, TO_BINARY, DATA),
        ("text/plain", AS_TEXT, TO_TEXT, AS_TEXT),
        ("image/png", DATA, UNDEFINED, DATA),
        ("image/png", DATA, TO_BINARY, DATA),
        ("image/png", DATA, TO_TEXT, AS_TEXT),
    ],
)
def test_a_request_s_payload_is_converted(
    call: Call, kind: str, payload: bytes, handling: str, expected: bytes
) -> None:
    answer = call(f"/sent/{handling}", data=payload, headers={"Content-Type": kind})

    assert bytes.fromhex(answer.text) == expected


# The same page: the integration's answer, what the client accepts, contentHandling, and what the client gets.
@pytest.mark.parametrize(
    ("came", "accept", "handling", "expected"),
    [
        ("text", "text/plain", UNDEFINED, AS_TEXT),
        ("text", "text/plain", TO_BINARY, DATA),
        ("text", "text/plain", TO_TEXT, AS_TEXT),
        ("text", "image/png", UNDEFINED, DATA),
        ("text", "image/webp,text/plain", TO_BINARY, DATA),
        ("text", "image/png", TO_TEXT, AS_TEXT),
        ("image", "text/plain", UNDEFINED, AS_TEXT),
        ("image", "text/plain,image/png", UNDEFINED, AS_TEXT),
        ("image", "text/plain", TO_BINARY, DATA),
        ("image", "text/plain", TO_TEXT, AS_TEXT),
        ("image", "image/png", UNDEFINED, DATA),
        ("image", "image/webp,*/*", UNDEFINED, DATA),
        ("image", "image/png", TO_BINARY, DATA),
        ("image", "image/png", TO_TEXT, AS_TEXT),
    ],
)
def test_an_answer_s_payload_is_converted(call: Call, came: str, accept: str, handling: str, expected: bytes) -> None:
    answer = call(f"/answered/{came}/{handling}", headers={"Accept": accept})

    assert answer.content == expected


def test_a_text_that_is_not_base64_cannot_become_binary(call: Call) -> None:
    answer = call(f"/sent/{TO_BINARY}", data=b"a", headers={"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()) == (500, {"type": "API_CONFIGURATION_ERROR"})


def test_a_template_reads_binary_data_as_text_only(call: Call) -> None:
    image = {"data": DATA, "headers": {"Content-Type": "image/png"}}

    assert bytes.fromhex(call("/sent/template/as-text", **image).text) == b"[" + AS_TEXT + b"]"
    assert call("/sent/template", **image).json() == {"type": "API_CONFIGURATION_ERROR"}
