"""API Gateway's data plane, on an API of the tests' own; each fails on the emulator as it is installed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.gateway_api import NAME, document, template
from tools.stack.stack import Stack

Json = dict[str, Any]


class Backend(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "mapped": self.headers.get("X-Mapped")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


Deploy = Callable[[Json], None]


@pytest.fixture(scope="module")
def deploy(stack: Stack, port: int) -> Iterator[Deploy]:
    cloudformation = stack.client("cloudformation")

    def send(body: Json) -> None:
        action = cloudformation.update_stack if body["again"] else cloudformation.create_stack
        text = json.dumps(template(body["document"], port))
        action(StackName=NAME, TemplateBody=text, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
        waiter = f"stack_{'update' if body['again'] else 'create'}_complete"
        cloudformation.get_waiter(waiter).wait(StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    send({"document": document(port=port), "again": False})
    yield send
    cloudformation.delete_stack(StackName=NAME)


@pytest.fixture(scope="module")
def gateway(stack: Stack, deploy: Deploy) -> Any:
    return stack.client("apigateway")


@pytest.fixture(scope="module")
def api_id(gateway: Any) -> str:
    return next(api["id"] for api in gateway.get_rest_apis(limit=500)["items"] if api["name"] == NAME)


@pytest.fixture(scope="module")
def call(stack: Stack, api_id: str) -> Callable[..., requests.Response]:
    def send(path: str, method: str = "GET", **more: Any) -> requests.Response:
        url = f"{stack.endpoint}/_aws/execute-api/{api_id}/test{path}"
        return requests.request(method, url, timeout=30, **more)

    return send


Call = Callable[..., requests.Response]


def test_an_operation_for_any_method_takes_all_of_them(call: Call) -> None:
    assert [call("/any/a/b", method).status_code for method in ("GET", "PATCH", "DELETE")] == [200, 200, 200]


def test_a_function_gets_the_parts_of_a_request_that_the_page_lists(call: Call) -> None:
    parts = "body headers httpMethod isBase64Encoded multiValueHeaders multiValueQueryStringParameters path"

    event = call("/weighted").json()["event"]

    assert event == f"{parts} pathParameters queryStringParameters requestContext resource stageVariables".split()


def test_templates_map_the_request_and_the_answer(call: Call) -> None:
    body = {"name": "N", "tags": ["a", "it's"], "n": 11}

    mapped = call("/mapped/gold-1", "POST", json=body)

    assert mapped.json() == {
        "sku": "gold-1",
        "name": "N",
        "first": "A",
        "tags": ["a", "it's"],
        "stage": "test",
        "colour": "blue",
        "big": True,
    }
    assert mapped.headers["X-Sku"] == "gold-1"


def test_a_body_that_no_template_is_for_is_415(call: Call) -> None:
    xml = call("/mapped/x", "POST", data="<a/>", headers={"Content-Type": "application/xml"})

    assert (xml.status_code, xml.json()) == (415, {"type": "UNSUPPORTED_MEDIA_TYPE"})


def test_a_pattern_chooses_the_response_by_the_error(call: Call) -> None:
    lost = call("/failing")

    assert (lost.status_code, lost.json()) == (404, {"lost": "it not found"})


def test_a_template_that_calls_what_is_not_there_fails(call: Call) -> None:
    failed = call("/loud?a=b")

    assert (failed.status_code, failed.json()) == (500, {"type": "API_CONFIGURATION_ERROR"})


def test_a_template_overrides_the_status(call: Call) -> None:
    assert call("/overridden").status_code == 418


def test_a_body_that_breaks_its_model_is_told_how(call: Call) -> None:
    refused = call("/validated", "POST", json={"name": "too long"})

    assert refused.status_code == 422
    assert "too long" in refused.json()["why"]
    assert call("/validated", "POST", json={"name": "ok"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/boom", 502, "DEFAULT_5XX"),
        ("/malformed", 502, "DEFAULT_5XX"),
        ("/late?sleep=1", 504, "INTEGRATION_TIMEOUT"),
        ("/nobody", 504, "INTEGRATION_FAILURE"),
        ("/no-such-route", 403, "MISSING_AUTHENTICATION_TOKEN"),
    ],
)
def test_what_goes_wrong_behind_it_is_answered_by_gateway_responses(
    call: Call, path: str, status: int, kind: str
) -> None:
    failed = call(path)

    assert (failed.status_code, failed.json()) == (status, {"type": kind})


def test_a_body_of_more_than_10_mb_is_413(call: Call) -> None:
    refused = call("/any/thing", "POST", data=b"x" * (10 * 1024 * 1024 + 1))

    assert (refused.status_code, refused.json()) == (413, {"type": "REQUEST_TOO_LARGE"})


def test_a_function_s_challenge_is_renamed(call: Call) -> None:
    assert call("/any/thing").headers["x-amzn-Remapped-Www-Authenticate"] == "x"


def test_stage_variables_stand_in_addresses_and_parameters_are_mapped(call: Call) -> None:
    assert call("/http").json() == {"wrapped": {"path": "/get", "mapped": "static"}}
    assert call("/proxied?q=1").json()["path"] == "/proxied?q=1"


def test_the_stage_s_cache_answers_by_its_keys_until_it_is_flushed(gateway: Any, api_id: str, call: Call) -> None:
    first, again, other = (call(f"/cached?k={key}").text for key in (1, 1, 2))
    stranger = call("/cached?k=1", headers={"Cache-Control": "max-age=0"})

    assert first == again != other
    assert (stranger.text, "Warning" in stranger.headers) == (first, True)

    gateway.flush_stage_cache(restApiId=api_id, stageName="test")

    assert call("/cached?k=1").text != first


def test_an_alias_s_weight_shares_the_calls(call: Call) -> None:
    versions = {call("/weighted").json()["version"] for _ in range(25)}

    assert versions == {"$LATEST", "1"}


def test_the_resource_policy_s_deny_comes_first(call: Call) -> None:
    assert call("/denied").status_code == 403
    assert call("/denied-after").status_code == 403
    assert call("/denied-after", headers={"X-A": "a"}).status_code == 403


def test_without_its_identity_source_an_authorizer_is_not_called(call: Call) -> None:
    assert [call("/asked").status_code, call("/asked", headers={"X-A": "a"}).status_code] == [401, 200]


def test_a_line_of_the_access_log_has_the_stage_s_format(stack: Stack, call: Call) -> None:
    mark = f"/greeting?{time.time()}"
    call("/no-such-path")
    call(mark)
    logs = stack.client("logs")

    events = logs.filter_log_events(logGroupName=f"/{NAME}/access")["events"]

    lines = [json.loads(event["message"]) for event in events]
    assert {"path": "/test/no-such-path", "status": 403, "why": "MISSING_AUTHENTICATION_TOKEN", "back": "-"} in lines
    assert any(line["path"] == "/test/greeting" and line["status"] == 200 for line in lines)


def test_requests_are_counted(stack: Stack, call: Call) -> None:
    call("/boom")
    dimensions = [{"Name": "ApiName", "Value": NAME}, {"Name": "Stage", "Value": "test"}]
    now = time.time()

    for metric in ("Count", "Latency", "IntegrationLatency", "4XXError", "5XXError", "CacheHitCount", "CacheMissCount"):
        found = stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/ApiGateway",
            MetricName=metric,
            Dimensions=dimensions,
            StartTime=now - 600,
            EndTime=now + 60,
            Period=3600,
            Statistics=["Sum"],
        )
        assert sum(point["Sum"] for point in found["Datapoints"]) > 0, metric


def test_items_of_a_table_expire_as_the_template_says(stack: Stack, deploy: Deploy) -> None:
    resources = stack.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    table = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Table")

    expiry = stack.client("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]

    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}


def test_a_changed_document_keeps_the_api_s_id(
    deploy: Deploy, gateway: Any, api_id: str, call: Call, port: int
) -> None:
    deploy({"document": document("goodbye", port), "again": True})

    names = [api["id"] for api in gateway.get_rest_apis(limit=500)["items"] if api["name"] == NAME]
    assert names == [api_id]
    assert call("/greeting").text == "goodbye blue"
    assert call("/mapped/x", "POST", json={"name": "N", "tags": ["a"], "n": 1}).status_code == 200


def test_a_deployment_is_a_snapshot_and_a_stage_can_go_back_to_an_older_one(
    gateway: Any, api_id: str, call: Call
) -> None:
    # Given a change of the API that is not deployed
    before = gateway.get_stage(restApiId=api_id, stageName="test")["deploymentId"]
    resources = gateway.get_resources(restApiId=api_id, limit=500)["items"]
    resource = next(each["id"] for each in resources if each["path"] == "/greeting")
    shown = call("/greeting").text
    gateway.put_integration_response(
        restApiId=api_id,
        resourceId=resource,
        httpMethod="GET",
        statusCode="200",
        responseTemplates={"application/json": "changed $stageVariables.colour"},
    )
    assert call("/greeting").text == shown

    def serve(deployment: str) -> None:
        patch = [{"op": "replace", "path": "/deploymentId", "value": deployment}]
        gateway.update_stage(restApiId=api_id, stageName="test", patchOperations=patch)

    # When it is deployed, it is live; and the older one can be put back
    serve(gateway.create_deployment(restApiId=api_id)["id"])
    assert call("/greeting").text == "changed blue"
    serve(before)
    assert call("/greeting").text == shown


def test_a_canary_takes_its_share_and_is_promoted(gateway: Any, api_id: str, call: Call) -> None:
    settings = {"percentTraffic": 100.0, "stageVariableOverrides": {"colour": "green"}}
    was = gateway.get_stage(restApiId=api_id, stageName="test")["deploymentId"]

    deployment = gateway.create_deployment(restApiId=api_id, stageName="test", canarySettings=settings)["id"]

    assert call("/greeting").text == "changed green"
    assert gateway.get_stage(restApiId=api_id, stageName="test")["deploymentId"] == was
    promote = [
        {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
        {"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"},
        {"op": "remove", "path": "/canarySettings"},
    ]
    stage = gateway.update_stage(restApiId=api_id, stageName="test", patchOperations=promote)
    assert (stage["deploymentId"], stage["variables"]["colour"]) == (deployment, "green")
    assert call("/greeting").text == "changed green"


def test_an_unknown_stage_has_no_cache_to_flush(gateway: Any, api_id: str) -> None:
    with pytest.raises(ClientError, match="NotFound"):
        gateway.flush_stage_authorizers_cache(restApiId=api_id, stageName="none")
