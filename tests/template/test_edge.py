"""The APIs' domain names, web ACL and types of endpoint: off by default, and each switch in each environment."""

import itertools
import json
from functools import cache
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint

from tests.support.as_deployed import EDGE, Stack, deployed, nested, referred
from tests.support.bootstrap import ACCOUNT, REGION
from tools.stack import samconfig
from tools.testing.deployment import Deployment
from tools.testing.template import Json

ENVIRONMENTS = ("dev", "staging", "prod")
DOMAIN = {name: value for name, value in EDGE.items() if name != "WebAclArn"}
GLOBAL = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/0a1b2c3d"
SWITCHES = {
    "domain": DOMAIN,
    "domain beside execute-api": DOMAIN | {"KeepDefaultEndpoints": "true"},
    "edge-optimized domain": DOMAIN | {"EndpointType": "EDGE", "EdgeCertificateArn": GLOBAL},
    "edge-optimized": {"EndpointType": "EDGE"},
    "web ACL": {"WebAclArn": EDGE["WebAclArn"]},
    "private": {"EndpointType": "PRIVATE", "VpcEndpointId": "vpce-0a1b2c3d", "GradualReleases": "false"},
}
WITH_DOMAIN = [name for name, given in SWITCHES.items() if "DomainName" in given]
EACH = pytest.mark.parametrize("environment", ENVIRONMENTS)
EACH_SWITCH = pytest.mark.parametrize("switch", SWITCHES)


@cache
def switched(environment: str, switch: str) -> Stack:
    return deployed(environment, **SWITCHES.get(switch, {}))


def edge(environment: str, switch: str) -> dict[str, Json]:
    """Return the resources of edge.yaml, by type."""
    made = nested(switched(environment, switch), "Edge").resources.values()
    return {one["Type"]: one["Properties"] for one in made}


def rest_api(stack: Stack) -> Json:
    found: Json = stack.resources["RestApi"]["Properties"]
    return found


def closed(stack: Stack) -> list[bool]:
    """Return of each API whether its execute-api address is closed."""
    rest = rest_api(stack)["Body"]["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]
    return [rest, stack.resources["ChatApi"]["Properties"]["DisableExecuteApiEndpoint"]]


def addresses(stack: Stack) -> dict[str, Any]:
    """Return what functions are told of the APIs' addresses."""
    variables = {
        f"{name}.{variable}": value
        for name, one in stack.resources.items()
        for variable, value in one.get("Properties", {}).get("Environment", {}).get("Variables", {}).items()
        if variable in ("CHAT_URL", "CONNECTIONS_URL")
    }
    return variables | {"RestApiUrlParameter": stack.resources["RestApiUrlParameter"]["Properties"]["Value"]}


def linted(template: Json) -> list[str]:
    return [
        f"{one.rule.id} {one.path}: {one.message}" for one in lint(json.dumps(template), ManualArgs(regions=[REGION]))
    ]


@EACH
def test_by_default_there_is_no_edge_and_the_apis_are_open_regional_ones(environment: str) -> None:
    stack = switched(environment, "nothing")

    assert "Edge" not in stack.resources
    assert rest_api(stack)["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert closed(stack) == [False, False]
    assert not [value for value in addresses(stack).values() if "execute-api" not in str(value)]


def test_neither_make_up_nor_samconfig_switches_anything_on() -> None:
    for name in samconfig.ENVIRONMENTS:
        given = samconfig.environment(name).overrides

        assert not given.keys() & {name for switch in SWITCHES.values() for name in switch} - {"GradualReleases"}
        assert "Edge" not in Deployment(**given).resources


@EACH
@EACH_SWITCH
def test_a_switch_is_a_whole_template_that_the_rules_accept(environment: str, switch: str) -> None:
    stack = switched(environment, switch)
    given = samconfig.environment(environment).overrides | SWITCHES[switch] | {"AWS::AccountId": ACCOUNT}
    entries = {**stack.template["Resources"], **stack.template["Outputs"]}

    assert not [rule for rule in Deployment(**given).broken_rules if not rule.startswith("prod needs")]
    assert {name for entry in entries.values() for name in referred(entry)} <= stack.resources.keys()
    assert ("Edge" in stack.resources) is (switch not in ("private", "edge-optimized"))


def test_cfn_lint_finds_nothing_in_the_apis_of_each_environment_and_switch() -> None:
    apis = {
        f"Api{number}": {"Type": "AWS::ApiGateway::RestApi", "Properties": rest_api(switched(*each)) | {"Body": {}}}
        for number, each in enumerate(itertools.product(ENVIRONMENTS, SWITCHES))
    }

    assert linted({"Resources": apis}) == []


@pytest.mark.parametrize("switch", [*WITH_DOMAIN, "web ACL"])
def test_cfn_lint_finds_nothing_at_the_edge_of_a_switch(switch: str) -> None:
    assert linted(nested(switched("prod", switch), "Edge").template) == []


@EACH
@pytest.mark.parametrize("switch", WITH_DOMAIN)
def test_both_apis_get_a_name_a_mapping_and_a_record_and_talk_tls_1_2(environment: str, switch: str) -> None:
    stack, made = switched(environment, switch), edge(environment, switch)

    rest, chat = made["AWS::ApiGateway::DomainName"], made["AWS::ApiGatewayV2::DomainName"]
    (chat_settings,) = chat["DomainNameConfigurations"]
    assert (rest["DomainName"], chat["DomainName"]) == ("api.shop.example.com", "chat.shop.example.com")
    assert rest["SecurityPolicy"] == chat_settings["SecurityPolicy"] == "TLS_1_2"
    # Whole names: each API is at its root.
    assert made["AWS::ApiGateway::BasePathMapping"].keys() == {"DomainName", "RestApiId", "Stage"}
    assert made["AWS::ApiGatewayV2::ApiMapping"].keys() == {"DomainName", "ApiId", "Stage"}
    assert made["AWS::ApiGateway::BasePathMapping"]["Stage"] == environment
    records = made["AWS::Route53::RecordSetGroup"]
    assert records["HostedZoneId"] == DOMAIN["HostedZoneId"]
    assert [one["Name"] for one in records["RecordSets"]] == [{"Ref": "RestDomain"}, {"Ref": "ChatDomain"}]
    # The mapping needs the stage: the nested stack waits for both.
    assert {"RestApi", f"RestApi{environment}Stage", f"ChatApi{environment}Stage"} <= referred(stack.resources["Edge"])


@EACH
def test_a_name_has_the_certificate_and_the_target_of_its_type(environment: str) -> None:
    regional, optimized = (edge(environment, switch) for switch in ("domain", "edge-optimized domain"))

    name = regional["AWS::ApiGateway::DomainName"]
    assert (name["EndpointConfiguration"], name["RegionalCertificateArn"]) == (
        {"Types": ["REGIONAL"]},
        DOMAIN["CertificateArn"],
    )
    assert "CertificateArn" not in name
    name = optimized["AWS::ApiGateway::DomainName"]
    assert (name["EndpointConfiguration"], name["CertificateArn"]) == ({"Types": ["EDGE"]}, GLOBAL)
    assert "RegionalCertificateArn" not in name
    for made, begins in ((regional, "Regional"), (optimized, "Distribution")):
        target = made["AWS::Route53::RecordSetGroup"]["RecordSets"][0]["AliasTarget"]
        assert {value["Fn::GetAtt"][1] for value in target.values()} == {f"{begins}DomainName", f"{begins}HostedZoneId"}
        (chat,) = made["AWS::ApiGatewayV2::DomainName"]["DomainNameConfigurations"]
        assert (chat["EndpointType"], chat["CertificateArn"]) == ("REGIONAL", DOMAIN["CertificateArn"])


@EACH
@pytest.mark.parametrize("switch", ["domain", "edge-optimized domain"])
def test_under_a_domain_the_execute_api_addresses_are_closed_and_no_function_is_told_of_them(
    environment: str, switch: str
) -> None:
    stack = switched(environment, switch)

    told = addresses(stack)
    assert closed(stack) == [True, True]
    assert told.pop("CreateTicketFunction.CHAT_URL") == "wss://chat.shop.example.com"
    # The hooks of a release call it: it is known once it answers.
    assert told.pop("RestApiUrlParameter") == {"Fn::GetAtt": ["Edge", "Outputs.RestApiUrl"]}
    assert len(told) >= 7
    assert {*told.values()} == {"https://chat.shop.example.com"}


@EACH
def test_while_clients_move_both_addresses_work_and_functions_go_on_with_the_old(environment: str) -> None:
    stack = switched(environment, "domain beside execute-api")

    assert closed(stack) == [False, False]
    assert addresses(stack) == addresses(switched(environment, "nothing"))


@EACH
@pytest.mark.parametrize("switch", WITH_DOMAIN)
def test_the_outputs_have_the_addresses_under_the_domain(environment: str, switch: str) -> None:
    stack = switched(environment, switch)

    outer, inner = stack.template["Outputs"], nested(stack, "Edge").template["Outputs"]
    assert outer["RestApiUrl"]["Value"] == {"Fn::GetAtt": ["Edge", "Outputs.RestApiUrl"]}
    assert outer["ChatApiUrl"]["Value"] == {"Fn::GetAtt": ["Edge", "Outputs.ChatApiUrl"]}
    assert inner["RestApiUrl"]["Value"] == "https://api.shop.example.com"
    assert inner["ChatApiUrl"]["Value"] == "wss://chat.shop.example.com"


@EACH
def test_a_web_acl_is_before_the_stage_of_the_rest_api_and_makes_nothing_else(environment: str) -> None:
    made = edge(environment, "web ACL")

    assert made.keys() == {"AWS::WAFv2::WebACLAssociation"}
    association = made["AWS::WAFv2::WebACLAssociation"]
    assert association["WebACLArn"] == EDGE["WebAclArn"]
    assert association["ResourceArn"].endswith(f"::/restapis/restapi-of-the-stack/stages/{environment}")
    assert "AWS::WAFv2::WebACLAssociation" not in edge(environment, "domain")


@EACH
def test_a_private_api_is_called_through_its_vpc_endpoint(environment: str) -> None:
    stack = switched(environment, "private")

    assert rest_api(stack)["EndpointConfiguration"] == {"Types": ["PRIVATE"], "VpcEndpointIds": ["vpce-0a1b2c3d"]}
    assert closed(stack) == [False, False]


@EACH
def test_an_edge_optimized_api_is_of_that_type(environment: str) -> None:
    for switch in ("edge-optimized", "edge-optimized domain"):
        assert rest_api(switched(environment, switch))["EndpointConfiguration"] == {"Types": ["EDGE"]}


@pytest.mark.parametrize(
    ("switch", "changed", "refused"),
    [
        ("domain", {"CertificateArn": ""}, "DomainName needs CertificateArn"),
        ("domain", {"HostedZoneId": ""}, "DomainName needs HostedZoneId"),
        ("domain", {"EndpointType": "EDGE"}, "DomainName with EndpointType EDGE needs EdgeCertificateArn"),
        ("private", {"VpcEndpointId": ""}, "EndpointType PRIVATE needs VpcEndpointId"),
        ("private", DOMAIN, "EndpointType PRIVATE takes no DomainName"),
        (
            "private",
            {"GradualReleases": "true"},
            "EndpointType PRIVATE takes no GradualReleases; their hooks call the API from outside",
        ),
    ],
)
def test_half_a_switch_is_refused(switch: str, changed: dict[str, str], refused: str) -> None:
    given = samconfig.environment("dev").overrides | {"AWS::AccountId": ACCOUNT} | SWITCHES[switch] | changed

    assert Deployment(**given).broken_rules == [refused]
