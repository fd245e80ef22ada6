"""The way of a request through the gateway can be read: TestInvokeMethod, `storefront explain`, the stage's logs."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tools import cli
from tools.stack.stack import Stack

Json = dict[str, Any]
ORDER = {"reference": "a-test", "lines": [{"sku": "MUG-001", "quantity": 1}]}


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Any:
    return stack.client("apigateway")


@pytest.fixture(scope="module")
def api_id(stack: Stack) -> str:
    return stack.url.split("/")[-2]


@pytest.fixture(scope="module")
def stage(stack: Stack) -> str:
    return stack.url.split("/")[-1]


Try = Callable[..., Json]


@pytest.fixture(scope="module")
def try_method(gateway: Any, api_id: str) -> Try:
    resources = {each["path"]: each["id"] for each in gateway.get_resources(restApiId=api_id, limit=500)["items"]}

    def invoke(verb: str, path: str, **more: Any) -> Json:
        answer: Json = gateway.test_invoke_method(restApiId=api_id, resourceId=resources[path], httpMethod=verb, **more)
        return answer

    return invoke


def told(log: str) -> list[str]:
    """The lines behind their dates, which are those of the test's examples: Mon Mar 03 17:50:35 UTC 2025 : ..."""
    first, *lines = log.splitlines()
    assert first.startswith("Execution log for request ")
    dated = [re.fullmatch(r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4} : (.*)", line) for line in lines]
    return [match[1] for match in dated if match]


def test_a_tried_method_tells_its_way_in_aws_s_words(try_method: Try) -> None:
    answer = try_method("GET", "/products/{sku}", pathWithQueryString="/products/MUG-001?x=1", headers={"X-A": "b"})

    lines = told(answer["log"])
    assert answer["status"] == 200
    assert json.loads(answer["body"])["sku"] == "MUG-001"
    assert answer["latency"] >= 0
    beginnings = [line.partition(":")[0] for line in lines]
    assert [each for each in beginnings if each.startswith(("Method", "Endpoint", "Start", "Send", "Rec", "Succ"))] == [
        "Starting execution for request",
        "Method request path",
        "Method request query string",
        "Method request headers",
        "Method request body before transformations",
        "Endpoint request URI",
        "Endpoint request headers",
        "Endpoint request body after transformations",
        "Sending request to arn",
        "Received response. Status",
        "Endpoint response headers",
        "Endpoint response body before transformations",
        "Method response body after transformations",
        "Method response headers",
        "Successfully completed execution",
        "Method completed with status",
    ]
    assert "HTTP Method: GET, Resource Path: /products/{sku}" in lines
    assert "Method request path: {sku=MUG-001}" in lines
    assert "Method request query string: {x=1}" in lines
    assert "Method request headers: {X-A=b}" in lines
    assert lines[-1] == "Method completed with status: 200"


def test_a_tried_method_asks_no_authorizer_and_validates(try_method: Try) -> None:
    answer = try_method("POST", "/partner/orders", body="{}")

    lines = told(answer["log"])
    assert answer["status"] == 400
    (broken,) = [line for line in lines if line.startswith("Request body does not match model schema for content type")]
    assert "'reference' is a required property" in broken
    assert "Gateway response type: BAD_REQUEST_BODY with status code: 400" in lines
    assert not any("authorizer" in line for line in lines)


def test_a_method_that_is_not_there_cannot_be_tried(try_method: Try) -> None:
    with pytest.raises(ClientError, match="NotFoundException"):
        try_method("DELETE", "/products")


Explain = Callable[..., list[str]]


@pytest.fixture
def explain(stack: Stack, state: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Explain:
    monkeypatch.setenv("COLUMNS", "80")

    def printed(*words: str) -> list[str]:
        cli.run("explain", *words, "--state", str(state))
        return capsys.readouterr().out.splitlines()

    return printed


def steps(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith("  ")]


def test_an_explained_request_shows_every_step_and_no_secret(stack: Stack, explain: Explain) -> None:
    # Given an authorizer that has not seen this partner for a while
    rest_api, stage = stack.outputs["RestApiId"], stack.url.rpartition("/")[2]
    stack.client("apigateway").flush_stage_authorizers_cache(restApiId=rest_api, stageName=stage)
    body = json.dumps(ORDER | {"reference": f"t-{uuid.uuid4()}"})

    lines = explain("post", "/partner/orders", "--partner", "gold", "--data", body)

    assert steps(lines) == [
        "authorizer",
        "usage plan",
        "method request",
        "integration request",
        "integration",
        "method response",
        "POST /partner/orders: 202 Accepted",
    ]
    text = "".join(line.removeprefix("  ") for line in lines)
    access = stack.partners["gold"]
    assert "Authorizer result body before parsing" in text
    assert "Endpoint request body after transformations" in text
    assert access.token not in text
    assert access.api_key not in text
    assert [line for line in lines if len(line) > 80] == []


def test_an_explained_refusal_says_which_step_refuses(explain: Explain) -> None:
    lines = explain("GET", "/orders", "--header", "Authorization: Bearer not-a-token")

    assert steps(lines) == ["authorizer", "gateway response", "GET /orders: 401 Unauthorized"]
    text = "\n".join(lines)
    assert "Unauthorized request: " in text
    assert "Gateway response type: UNAUTHORIZED with status code: 401" in text
    assert "not-a-token" not in text


def test_foreign_text_in_an_explanation_is_made_printable(explain: Explain) -> None:
    lines = explain("POST", "/orders", "--as", "customer", "--data", '{"lines": "\x1b[31mred\u202e"}')

    assert [character for line in lines for character in line if not character.isprintable()] == []
    assert any("red" in line for line in lines)


def test_a_caller_who_is_refused_before_the_gateway_sees_the_method_is_told(stack: Stack, explain: Explain) -> None:
    forged = (
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"
    )

    lines = explain("PUT", "/products/MUG-001", "--header", f"Authorization: {forged}", "--data", "{}")

    assert lines[-1].startswith("PUT /products/MUG-001: 403")


@pytest.fixture
def access_log(stack: Stack) -> Callable[[str], Json]:
    """The line of a request in the access log, by the request's id."""

    def line(request_id: str) -> Json:
        found = stack.client("logs").filter_log_events(
            logGroupName=f"/aws/apigateway/{stack.name}/rest-api",
            filterPattern=f'{{ $.requestId = "{request_id}" }}',
        )["events"]
        read: Json = json.loads(found[0]["message"])
        return read

    return line


def test_a_line_of_the_access_log_says_what_the_authorizer_did(stack: Stack, access_log: Callable[[str], Json]) -> None:
    token = f"Bearer {stack.partners['gold'].token}"

    good = requests.get(f"{stack.url}/partner/orders/x", headers={"Authorization": token}, timeout=30)
    bad = requests.get(f"{stack.url}/partner/orders/x", headers={"Authorization": "Bearer no"}, timeout=30)

    allowed, refused = (access_log(answer.headers["x-amzn-requestid"]) for answer in (good, bad))
    assert (allowed["authorizerStatus"], allowed["status"]) == ("200", str(good.status_code))
    assert int(allowed["authorizerLatency"]) >= 0
    assert (refused["authorizerStatus"], refused["status"]) == ("401", "401")
    assert refused["integrationStatus"] == "-"


@pytest.fixture
def logging_all(gateway: Any, api_id: str, stage: str) -> Iterator[None]:
    def level(name: str) -> None:
        patch = [{"op": "replace", "path": "/*/*/logging/loglevel", "value": name}]
        gateway.update_stage(restApiId=api_id, stageName=stage, patchOperations=patch)

    level("INFO")
    yield
    level("ERROR")


@pytest.mark.usefixtures("logging_all")
def test_a_stage_that_logs_all_writes_the_execution_log_without_bodies(stack: Stack, api_id: str, stage: str) -> None:
    answer = requests.get(f"{stack.url}/health", timeout=30)

    events = stack.client("logs").filter_log_events(
        logGroupName=f"API-Gateway-Execution-Logs_{api_id}/{stage}",
        filterPattern=f'"{answer.headers["x-amzn-requestid"]}"',
    )["events"]
    lines = [event["message"].partition(") ")[2] for event in events]
    assert "HTTP Method: GET, Resource Path: /health" in lines
    assert lines[-1] == "Method completed with status: 200"
    assert not any("body" in line or "headers" in line for line in lines)
