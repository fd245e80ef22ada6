"""The chat: what its API calls, whom it lets in, and which of the chat's items each function may touch."""

import re
from typing import Any

import pytest

from storefront.orders.event import _TYPE_OF_STATUS
from storefront.orders.event_bus import SOURCE
from tools.testing import roles
from tools.testing.deployment import Deployment
from tools.testing.template import Json, resources, source

ENVIRONMENTS = source()["Parameters"]["Environment"]["AllowedValues"]
LIMITS = source()["Mappings"]["Throttling"]
API = source()["Resources"]["ChatApi"]["Properties"]
ROUTES = resources("AWS::ApiGatewayV2::Route")
INTEGRATIONS = resources("AWS::ApiGatewayV2::Integration")
FUNCTIONS = resources("AWS::Lambda::Function")
ALIASES = resources("AWS::Lambda::Alias")
PERMISSIONS = {name: one for name, one in resources("AWS::Lambda::Permission").items() if name.startswith("ChatApi")}
ROLES = resources("AWS::IAM::Role")
# "Amazon API Gateway quotas", Amazon API Gateway Developer Guide: requests per second per account and Region
ACCOUNT_RATE = 10_000
ACTIONS = {"joinRoom", "leaveRoom", "sendMessage", "history", "ping"}


def alias_of(uri: Json) -> str:
    """Return the alias that an integration or authorizer calls."""
    text, values = uri["Fn::Sub"]
    ((name, alias),) = values.items()
    assert text.endswith(f"/functions/${{{name}}}/invocations")
    return str(alias["Ref"])


def function_of(route: Json) -> Json:
    (_, (_, integration)) = route["Target"]["Fn::Join"]
    return FUNCTIONS[ALIASES[alias_of(INTEGRATIONS[integration["Ref"]]["IntegrationUri"])]["FunctionName"]["Ref"]]


def statements() -> list[Any]:
    """Return the statements on the chat's table, each with its role's name."""
    return [
        (role, statement)
        for role in ROLES
        for statement in roles.statements(role)
        if "ChatTable" in str(statement["Resource"])
    ]


def test_each_route_calls_the_function_that_is_described_by_it() -> None:
    called = {route["RouteKey"]: function_of(route)["Description"] for route in ROUTES.values()}

    assert called == {key: key for key in ACTIONS | {"$connect", "$disconnect", "$default"}}


def test_a_route_is_selected_by_the_frame_s_action() -> None:
    assert API["RouteSelectionExpression"] == "$request.body.action"


def test_no_route_answers_by_itself() -> None:
    assert [route for route in ROUTES.values() if route.get("RouteResponseSelectionExpression")] == []
    assert resources("AWS::ApiGatewayV2::RouteResponse") == {}


def test_the_handshake_is_authorized_and_nothing_else_can_be() -> None:
    (connect,) = [route for route in ROUTES.values() if route["RouteKey"] == "$connect"]
    (authorizer,) = resources("AWS::ApiGatewayV2::Authorizer").values()

    assert connect["AuthorizationType"] == "CUSTOM"
    assert connect["AuthorizerId"]["Ref"] in resources("AWS::ApiGatewayV2::Authorizer")
    assert authorizer["AuthorizerType"] == "REQUEST"
    assert ALIASES[alias_of(authorizer["AuthorizerUri"])]["FunctionName"]["Ref"] == "AuthorizeConnectionFunction"


def test_who_sends_no_ticket_is_refused_at_the_gateway_and_who_sends_no_origin_is_not() -> None:
    (authorizer,) = resources("AWS::ApiGatewayV2::Authorizer").values()

    assert authorizer["IdentitySource"] == ["route.request.querystring.ticket"]


def test_the_chat_may_call_what_it_calls_and_nothing_else() -> None:
    called = {
        (alias_of(INTEGRATIONS[route["Target"]["Fn::Join"][1][1]["Ref"]]["IntegrationUri"]), route["RouteKey"])
        for route in ROUTES.values()
    }
    (authorizer,) = resources("AWS::ApiGatewayV2::Authorizer").values()
    called.add((alias_of(authorizer["AuthorizerUri"]), "*"))

    allowed = set()
    for permission in PERMISSIONS.values():
        arn, values = permission["SourceArn"]["Fn::Sub"]
        assert "ChatApi" in arn or values["__ApiId__"] == {"Ref": "ChatApi"}
        assert permission["Principal"] == "apigateway.amazonaws.com"
        allowed.add((permission["FunctionName"]["Ref"], arn.rpartition("/")[2]))

    assert allowed == called
    assert len(PERMISSIONS) == len(called)


def test_the_chat_s_api_comes_behind_the_first_function_and_the_rest_api() -> None:
    kinds = [resource["Type"] for resource in source()["Resources"].values() if isinstance(resource, dict)]

    # SAM's resource for it crashes `sam local` ahead of them.
    chat = kinds.index("AWS::Serverless::WebSocketApi")
    assert max(kinds.index("AWS::Serverless::Function"), kinds.index("AWS::Serverless::Api")) < chat


@pytest.mark.parametrize("environment", [name for name in ENVIRONMENTS if name != "local"])
def test_all_routes_at_their_limits_leave_most_of_the_account_to_others(environment: str) -> None:
    limits = LIMITS[environment]

    assert 0 < limits["ChatRate"] <= limits["ChatBurst"]
    assert len(ROUTES) * limits["ChatRate"] <= ACCOUNT_RATE / 5
    settings = API["DefaultRouteSettings"]
    assert [settings[name]["Fn::FindInMap"][2] for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit")] == [
        "ChatRate",
        "ChatBurst",
    ]


def test_no_page_may_open_the_chat_unless_it_is_listed() -> None:
    assert source()["Parameters"]["ChatAllowedOrigins"]["Default"] == ""


@pytest.mark.parametrize(
    ("origins", "good"),
    [
        ("", True),
        ("https://shop.example", True),
        ("https://shop.example,http://localhost:3000", True),
        ("*", False),
        ("null", False),
        ("https://shop.example/", False),
        ("https://shop.example, https://other.example", False),
        ("https://shop.example,", False),
    ],
)
def test_origins_are_written_as_browsers_send_them(origins: str, good: bool) -> None:
    pattern = source()["Parameters"]["ChatAllowedOrigins"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, origins)) == good


def test_the_table_s_items_expire() -> None:
    (table,) = [one for name, one in resources("AWS::DynamoDB::Table").items() if name == "ChatTable"]

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}


def test_a_role_may_touch_items_by_their_prefix_only_and_scan_nothing() -> None:
    found = statements()

    assert found
    for role, statement in found:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        # Where a request names no key, ForAllValues holds.
        assert not {"dynamodb:Scan", "dynamodb:PartiQLSelect"} & set(actions), role
        if statement["Resource"] == {"Fn::Sub": "${ChatTable.Arn}/index/by-customer"}:
            assert actions == ["dynamodb:Query"]
            continue
        (prefixes,) = statement["Condition"]["ForAllValues:StringLike"].values()
        assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": prefixes}}, role
        assert all(re.fullmatch(r"(ticket|connection|customer|room|sender|order)#\*", prefix) for prefix in prefixes), (
            role
        )


def test_tickets_are_nobody_s_but_of_those_who_make_and_take_them() -> None:
    actions = {role: statement["Action"] for role, statement in statements() if "ticket#*" in str(statement)}

    assert actions == {"CreateTicketRole": "dynamodb:PutItem", "AuthorizeConnectionRole": "dynamodb:DeleteItem"}


def test_who_posts_may_post_to_this_api_s_connections_and_nothing_else() -> None:
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ChatApi}"
    posting = {
        name: statement
        for name in ROLES
        for statement in roles.statements(name)
        if statement["Action"] == "execute-api:ManageConnections"
    }

    assert {statement["Resource"]["Fn::Sub"] for statement in posting.values()} == {
        f"{api}/${{Environment}}/POST/@connections/*"
    }
    given = {
        function["Role"]["Fn::GetAtt"][0]
        for function in FUNCTIONS.values()
        if "CONNECTIONS_URL" in function["Environment"]["Variables"]
    }
    assert posting.keys() == given


@pytest.mark.parametrize("environment", ["dev", "local"])
def test_addresses_are_those_of_aws_everywhere_but_on_the_local_stack(environment: str) -> None:
    deployed = Deployment(Environment=environment)
    here = environment == "local"

    def text(node: Json) -> str:
        value: str = node["Fn::Sub"]
        return value

    answers = text(
        deployed.resources["AnswerPingFunction"]["Properties"]["Environment"]["Variables"]["CONNECTIONS_URL"]
    )
    opened = text(deployed.resources["CreateTicketFunction"]["Properties"]["Environment"]["Variables"]["CHAT_URL"])
    assert answers.startswith("http://${LocalAuthority}/" if here else "https://${ChatApi}.execute-api.")
    assert opened.startswith("ws://${LocalAuthority}/" if here else "wss://${ChatApi}.execute-api.")
    assert answers.partition("://")[2] == opened.partition("://")[2]
    assert text(deployed.outputs["ChatApiUrl"]["Value"]) == opened


def test_all_functions_that_answer_do_so_at_one_address() -> None:
    urls = [function["Environment"]["Variables"].get("CONNECTIONS_URL") for function in FUNCTIONS.values()]

    assert len({str(url) for url in urls if url}) == 1


def test_the_rule_waits_for_the_events_that_there_are() -> None:
    rule = resources("AWS::Events::Rule")["ChatStatusRule"]

    assert rule["EventPattern"] == {"source": [SOURCE], "detail-type": list(_TYPE_OF_STATUS.values())}
    assert rule["EventBusName"] == {"Ref": "OrderEventBus"}
