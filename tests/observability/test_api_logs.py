"""Access logs tell enough about callers to find out what happened, and hold no credentials."""

import json
import re

import pytest

from tests.observability.deployed import DEPLOYMENT, STACK, deployed
from tools.testing.deployment import Deployment
from tools.testing.template import operations

(REST_STAGE,) = deployed("AWS::ApiGateway::Stage").values()
(CHAT_STAGE,) = deployed("AWS::ApiGatewayV2::Stage").values()
FORMATS = {
    "REST": REST_STAGE["AccessLogSetting"]["Format"],
    "chat": CHAT_STAGE["AccessLogSettings"]["Format"],
}
# Known to be safe to keep. Not here, and why:
#   path, domainName, protocol          paths have ids; the template of the path says which route it was
#   identity.apiKey                     is what lets a caller in; their principal is logged
#   error.message, error.messageString  a malformed signature: the gateway's message repeats the Authorization header
#   authorize.error, authorizer.error   messages, as above
#   error.validationErrorString         repeats what is wrong in the body
#   authorizer.<property>, .claims.email  names and addresses of people
# A query string, a header or a body has no variable in access logs ("Variables for access logging for API Gateway" and
# "Configure logging for WebSocket APIs in API Gateway", Amazon API Gateway Developer Guide).
ALLOWED = {
    "authenticate.status",
    "authorize.status",
    "authorizer.claims.sub",
    "authorizer.latency",
    "authorizer.principalId",
    "authorizer.status",
    "connectionId",
    "error.responseType",
    "eventType",
    "extendedRequestId",
    "httpMethod",
    "identity.sourceIp",
    "integrationLatency",
    "integrationStatus",
    "messageId",
    "requestId",
    "requestTime",
    "resourcePath",
    "responseLatency",
    "responseLength",
    "routeKey",
    "status",
    "waf.status",
    "xrayTraceId",
}


def variables(text: str) -> list[str]:
    return re.findall(r"\$context\.([\w.]+)", text)


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS)
def test_an_access_log_has_nothing_but_what_is_known_to_be_safe(text: str) -> None:
    assert set(variables(text)) <= ALLOWED
    assert text.count("$") == len(variables(text))


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS)
def test_a_line_of_an_access_log_is_json_also_where_values_are_missing(text: str) -> None:
    # given a variable that has no value: the gateway writes a hyphen
    line = re.sub(r"\$context\.[\w.]+", "-", text)

    assert set(json.loads(line).values()) == {"-"}
    assert "\n" not in text


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS)
def test_an_access_log_says_who_was_refused_when_and_by_what(text: str) -> None:
    asked = {"requestId", "requestTime", "identity.sourceIp", "status", "error.responseType", "authorizer.status"}

    assert set(variables(text)) >= asked


def test_the_gateways_log_their_errors_and_no_bodies_on_every_route() -> None:
    settings = [*REST_STAGE["MethodSettings"], CHAT_STAGE["DefaultRouteSettings"]]

    assert len(settings) > 2
    for one in settings:
        assert one["LoggingLevel"] == "ERROR"
        assert one["DataTraceEnabled"] is False
        assert one.get("MetricsEnabled", one.get("DetailedMetricsEnabled")) is True


def test_rest_requests_are_traced_from_the_gateway_on() -> None:
    assert REST_STAGE["TracingEnabled"] is True
    assert {one["TracingConfig"]["Mode"] for one in deployed("AWS::Lambda::Function").values()} == {"Active"}


def test_a_stage_waits_for_the_log_groups_that_the_gateway_would_make_without_a_retention() -> None:
    groups = DEPLOYMENT.resources

    for stage, setting, name in (
        (REST_STAGE, "AccessLogSetting", "RestApi"),
        (CHAT_STAGE, "AccessLogSettings", "ChatApi"),
    ):
        assert stage[setting]["DestinationArn"] == {"Fn::GetAtt": [f"{name}Logs", "Arn"]}
        assert groups[f"{name}Logs"]["DependsOn"] == f"{name}ExecutionLogs"
    made_first = [name for name in groups if name.endswith("ExecutionLogs")]
    assert {name: groups[name]["Properties"]["LogGroupName"]["Fn::Sub"] for name in made_first} == {
        "RestApiExecutionLogs": "API-Gateway-Execution-Logs_${RestApi}/${Environment}",
        "ChatApiExecutionLogs": "/aws/apigateway/${ChatApi}/${Environment}",
    }


def test_an_account_without_the_logging_role_is_asked_to_log_nothing() -> None:
    made = Deployment(Environment="dev").resources
    (stage,) = [one["Properties"] for one in made.values() if one["Type"] == "AWS::ApiGateway::Stage"]
    (chat,) = [one["Properties"] for one in made.values() if one["Type"] == "AWS::ApiGatewayV2::Stage"]

    assert stage["AccessLogSetting"] == chat["AccessLogSettings"] == {"Ref": "AWS::NoValue"}
    assert {one["LoggingLevel"] for one in (*stage["MethodSettings"], chat["DefaultRouteSettings"])} == {"OFF"}
    assert not {name for name in made if name.startswith(("RestApi", "ChatApi")) and name.endswith("Logs")}


@pytest.mark.parametrize("environment", ["local", "dev", "staging", "prod"])
def test_every_environment_has_the_queries_of_its_functions(environment: str) -> None:
    queries = Deployment(Environment=environment).nested.of("AWS::Logs::QueryDefinition")

    assert set(queries) >= {"OneOrderQuery", "ErrorsQuery", "SlowFunctionsQuery"}


def test_a_saved_query_reads_groups_that_are_there_or_says_which_prefix_has_them_all() -> None:
    queries = deployed("AWS::Logs::QueryDefinition")
    groups = {one["LogGroupName"] for one in deployed("AWS::Logs::LogGroup").values()}
    of_functions = {
        deployed("AWS::Logs::LogGroup")[
            one["LoggingConfig"]["LogGroup"].removeprefix(f"{STACK}-").removesuffix("-1A2B3C")
        ]["LogGroupName"]
        for one in deployed("AWS::Lambda::Function").values()
    }

    assert len(queries) == len(
        [one for one in operations()["Resources"].values() if one["Type"].endswith("Definition")]
    )
    for query in queries.values():
        # A list would have to grow with every function.
        prefix = re.match(r"# Log groups: prefix (\S+)\n", query["QueryString"])
        if prefix:
            assert {name for name in groups if name.startswith(prefix[1])} == of_functions
        else:
            assert groups >= set(query["LogGroupNames"]) != set()
