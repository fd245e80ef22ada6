"""The OpenAPI document: what API Gateway imports, what it calls, and what the code says of the same things."""

import json
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import boto3
import pytest

from storefront.catalog.product import CATEGORY_PATTERN, SKU_PATTERN
from storefront.catalog.request import CURRENCY_PATTERN, MAX_AMOUNT, MAX_DESCRIPTION, MAX_NAME, MAX_STOCK
from storefront.chat.ticket import TICKET_PATTERN
from storefront.orders.request import IDEMPOTENCY_KEY_PATTERN, MAX_LINES, MAX_PIECES, MAX_QUANTITY
from storefront.orders.status import Reason, Status
from storefront.partners.outcome import REFERENCE_PATTERN
from storefront.partners.token import TOKEN_PATTERN
from storefront.shared import paging
from tests.support.contract import matches
from tools.testing.source import names_imported
from tools.testing.template import Json, openapi, resources, source, translated, walk

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
OPERATIONS = {
    f"{method.upper()} {path}": item[method]
    for path, item in openapi()["paths"].items()
    for method in METHODS
    if method in item
}
ROUTES = {route: operation for route, operation in OPERATIONS.items() if not route.startswith("OPTIONS")}
GATEWAY_RESPONSES = openapi()["x-amazon-apigateway-gateway-responses"]
# Guarded by IAM: the gateway checks the signature, and the function asks nothing more.
SIGNED = {"PUT /products/{sku}"}
# The services that the gateway calls itself, each with the role
# Functions whose events and answers mapping templates make
MAPPED = {"GET /partner/products.xml"}
BEHIND_A_SERVICE = {
    "POST /partner/orders": (
        ":sqs:path/${AWS::AccountId}/${PartnerOrdersQueue.QueueName}",
        "HandInPartnerOrderRole",
    ),
    "POST /orders/{orderId}/refund": (":states:action/StartExecution", "StartRefundRole"),
    "GET /refunds/{refundId}": (":states:action/DescribeExecution", "StartRefundRole"),
}
SCHEMAS = openapi()["components"]["schemas"]
SECURITY_OF: dict[str, Json] = {
    "storefront.identity.customer_of": {"customer": []},
    "storefront.identity.partner_id_of": {"partner": []},
    "storefront.payments.webhook_signature.content_sha256": {"paymentProvider": []},
}
# "Amazon API Gateway important notes", Amazon API Gateway Developer Guide
NOT_IMPORTED = {
    "anyOf", "const", "deprecated", "discriminator", "example", "examples", "exclusiveMaximum", "exclusiveMinimum",
    "not", "nullable", "oneOf", "readOnly", "writeOnly", "xml",
}  # fmt: skip
# RFC 9110, section 15; Python before 3.13 has an older name for 413.
PHRASES = {status.value: status.phrase for status in HTTPStatus} | {413: "Content Too Large"}


def integration(operation: Json) -> Json:
    found: Json = operation["x-amazon-apigateway-integration"]
    return found


def function_of(operation: Json) -> str:
    """Return the name of the function whose alias an operation calls."""
    (name,) = re.findall(r"/functions/\$\{(\w+)\.Alias\}/invocations$", integration(operation)["uri"]["Fn::Sub"])
    return str(name)


def parameter(route: str, name: str) -> Json:
    path = openapi()["paths"][route.split()[1]]
    candidates = [*path.get("parameters", []), *OPERATIONS[route].get("parameters", [])]
    (schema,) = [candidate["schema"] for candidate in candidates if candidate["name"] == name]
    return dict(schema)


def behind_lambda() -> list[str]:
    return [route for route, operation in OPERATIONS.items() if integration(operation)["type"] == "aws_proxy"]


@pytest.mark.parametrize("route", OPERATIONS)
def test_an_operation_is_answered_by_the_gateway_or_by_the_alias_of_a_function(route: str) -> None:
    match integration(OPERATIONS[route])["type"]:
        case "aws_proxy":
            function = source()["Resources"][function_of(OPERATIONS[route])]
            assert function["Type"] == "AWS::Serverless::Function"
            assert function["Properties"]["Description"] == route
            assert integration(OPERATIONS[route])["httpMethod"] == "POST"
        case "aws" if route in MAPPED:
            function = source()["Resources"][function_of(OPERATIONS[route])]
            assert function["Properties"]["Description"] == route
            assert integration(OPERATIONS[route])["passthroughBehavior"] == "never"
        case "aws":
            called = integration(OPERATIONS[route])
            target, role = BEHIND_A_SERVICE[route]
            assert called["uri"]["Fn::Sub"].endswith(target)
            assert called["credentials"]["Fn::Sub"].endswith(f":role/${{{role}}}")
            assert called["passthroughBehavior"] == "never"
        case kind:
            assert kind == "mock"


def test_the_gateway_may_call_what_it_calls_and_nothing_else() -> None:
    body = translated()["Resources"]["RestApi"]["Properties"]["Body"]
    called = set()
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${RestApi}"
    for route in [*behind_lambda(), *MAPPED]:
        method, path = route.split()
        uri = body["paths"][path][method.lower()]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        (alias,) = re.findall(r"/functions/\$\{(\w+)\}/invocations$", uri)
        any_value = re.sub(r"\{\w+\}", "*", path)
        called.add((alias, f"{api}/*/{method}{any_value}"))
    for scheme in body["components"]["securitySchemes"].values():
        if scheme.get("x-amazon-apigateway-authtype") == "custom":
            uri = scheme["x-amazon-apigateway-authorizer"]["authorizerUri"]["Fn::Sub"]
            (alias,) = re.findall(r"/functions/\$\{(\w+)\}/invocations$", uri)
            called.add((alias, f"{api}/authorizers/*"))

    for scheme in body["components"]["securitySchemes"].values():
        uri = scheme.get("x-amazon-apigateway-authorizer", {}).get("authorizerUri", {}).get("Fn::Sub", "")
        called |= {(alias, f"{api}/authorizers/*") for alias in re.findall(r"/functions/\$\{(\w+)\}/invocations$", uri)}

    allowed = [
        (permission["FunctionName"]["Ref"], permission["SourceArn"]["Fn::Sub"])
        for name, permission in resources("AWS::Lambda::Permission").items()
        # SAM makes those of the chat's API; tests/template/test_chat.py has them.
        if permission["Principal"] == "apigateway.amazonaws.com" and not name.startswith("ChatApi")
    ]

    assert {alias for alias, _ in called} <= resources("AWS::Lambda::Alias").keys()
    assert sorted(allowed) == sorted(called)


@pytest.mark.parametrize("route", behind_lambda())
def test_an_operation_asks_for_whom_its_function_asks(route: str) -> None:
    handler = source()["Resources"][function_of(OPERATIONS[route])]["Properties"]["Handler"]
    asked = [SECURITY_OF[name] for name in names_imported(handler) & SECURITY_OF.keys()]

    if route in SIGNED:
        asked = [{"backOffice": []}]

    assert OPERATIONS[route]["security"] == asked
    assert ("401" in OPERATIONS[route]["responses"]) == (bool(asked) and route not in SIGNED)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.split()[1].startswith("/partner/")])
def test_a_partner_route_asks_for_a_partner_and_for_their_usage_plan_where_they_hand_something_in(route: str) -> None:
    plan: list[Json] = [{"apiKey": []}] if route.startswith("POST ") else []

    assert ROUTES[route]["security"] == [{"partner": []}, *plan]
    assert ROUTES[route]["responses"].keys() >= {"401", "403"}


@pytest.mark.parametrize("route", ROUTES)
def test_an_authorizer_and_a_key_are_items_of_their_own(route: str) -> None:
    # No page says how the importer reads two schemes in one.
    assert [requirement for requirement in ROUTES[route].get("security", []) if len(requirement) != 1] == []


def test_the_usage_plan_is_the_one_that_the_authorizer_names() -> None:
    assert openapi()["x-amazon-apigateway-api-key-source"] == "AUTHORIZER"


def test_what_cannot_be_a_partner_token_is_refused_at_the_gateway() -> None:
    scheme = openapi()["components"]["securitySchemes"]["partner"]
    authorizer = scheme["x-amazon-apigateway-authorizer"]

    token = TOKEN_PATTERN.replace("(", "").replace(")", "")
    assert authorizer["identityValidationExpression"] == f"^[Bb][Ee][Aa][Rr][Ee][Rr] +{token}$"
    assert authorizer["authorizerResultTtlInSeconds"] == 300
    assert (scheme["in"], scheme["name"]) == ("header", "Authorization")


def test_everything_that_is_handed_in_is_encoded() -> None:
    (template,) = integration(OPERATIONS["POST /partner/orders"])["requestTemplates"].values()

    inserted = re.findall(r"\$(?:util\.urlEncode\(\$([\w.]+)\)|([\w.]+))", template)

    assert inserted == [("input.body", ""), ("context.authorizer.partnerId", ""), ("context.requestId", "")]
    form = dict(parse_qsl(re.sub(r"\$util\.urlEncode\(\$([\w.]+)\)", r"\1", template), strict_parsing=True))
    assert form["Action"] == "SendMessage"
    assert form["MessageBody"] == "input.body"
    assert [form[f"MessageAttribute.{number}.Name"] for number in (1, 2)] == ["partnerId", "correlationId"]


def test_the_model_of_a_partners_order_is_that_of_an_order_and_a_reference() -> None:
    model, order = SCHEMAS["PartnerOrderRequest"], SCHEMAS["OrderRequest"]

    assert model["properties"]["lines"] == order["properties"]["lines"]
    assert model["properties"]["reference"]["pattern"] == REFERENCE_PATTERN
    assert model["required"] == ["reference", "lines"]
    assert model["additionalProperties"] is False
    assert parameter("GET /partner/orders/{reference}", "reference")["pattern"] == REFERENCE_PATTERN


@pytest.mark.parametrize("route", ROUTES)
def test_an_operation_says_what_it_answers_when_it_fails(route: str) -> None:
    documented = ROUTES[route]["responses"].keys()

    assert documented >= {"429"}
    if route in behind_lambda():
        assert documented >= {"500", "503", "504"}
    if ROUTES[route].get("requestBody") or parameter_names(route):
        assert documented & {"400", "404"}


def parameter_names(route: str) -> list[str]:
    path = openapi()["paths"][route.split()[1]]
    return [one["name"] for one in (*path.get("parameters", []), *ROUTES[route].get("parameters", []))]


@pytest.mark.parametrize("route", OPERATIONS)
def test_the_gateway_declares_the_headers_that_it_sends(route: str) -> None:
    for response in integration(OPERATIONS[route]).get("responses", {}).values():
        declared = OPERATIONS[route]["responses"][response["statusCode"]].get("headers", {})
        sent = {name.removeprefix("method.response.header.") for name in response.get("responseParameters", {})}
        overridden = overrides_of(response)

        assert sent | (set() if "status" in overridden else overridden) == declared.keys()
        everywhere = {name for one in OPERATIONS[route]["responses"].values() for name in one.get("headers", {})}
        assert overridden - {"status"} <= everywhere
        assert "Access-Control-Allow-Origin" in sent


def overrides_of(response: Json) -> set[str]:
    """Return the headers that a mapping template sends, and `status` where it decides the answer's status."""
    text = " ".join(response.get("responseTemplates", {}).values())
    found = re.findall(r"\$context\.responseOverride\.(?:(status)|header\.(\w+)|header\['([\w-]+)'\])", text)
    return {name for names in found for name in names if name}


@pytest.mark.parametrize("path", openapi()["paths"])
def test_a_browser_is_told_what_each_path_takes(path: str) -> None:
    methods = {route.split()[0] for route in OPERATIONS if route.split()[1] == path}
    headers = {
        one["name"]
        for method in methods - {"OPTIONS"}
        for one in OPERATIONS[f"{method} {path}"].get("parameters", [])
        if one["in"] == "header"
    }

    (preflight,) = integration(OPERATIONS[f"OPTIONS {path}"])["responses"].values()

    def allowed(what: str) -> set[str]:
        value: str = preflight["responseParameters"][f"method.response.header.Access-Control-Allow-{what}"]
        return set(value.strip("'").split(","))

    assert allowed("Methods") == methods
    assert allowed("Headers") >= headers | {"Authorization", "Content-Type"}
    assert OPERATIONS[f"OPTIONS {path}"].get("security", []) == []


def test_models_keep_to_what_the_gateway_imports() -> None:
    for path, node in walk(openapi()):
        if isinstance(node, dict) and not any(key.startswith("x-") for key in path) and "properties" not in path[-1:]:
            assert not node.keys() & NOT_IMPORTED, "/".join(path)
    assert [name for name in SCHEMAS if not re.fullmatch("[A-Za-z0-9]+", name)] == []
    assert {scheme["type"] for scheme in openapi()["components"]["securitySchemes"].values()} == {"apiKey"}


def test_the_document_is_valid_openapi_without_cloudformation() -> None:
    intrinsic = [path for path, _ in walk(openapi()) if path and (path[-1].startswith("Fn::") or path[-1] == "Ref")]

    assert intrinsic
    assert [path for path in intrinsic if not any(key.startswith("x-") for key in path)] == []


def test_the_gateway_checks_bodies_and_parameters_of_all_operations() -> None:
    name = openapi()["x-amazon-apigateway-request-validator"]

    assert openapi()["x-amazon-apigateway-request-validators"][name] == {
        "validateRequestBody": True,
        "validateRequestParameters": True,
    }
    assert [route for route, one in OPERATIONS.items() if "x-amazon-apigateway-request-validator" in one] == []
    for route, operation in OPERATIONS.items():
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"], route


def test_every_refusal_of_the_gateway_has_its_response() -> None:
    model = boto3.client("apigateway").meta.service_model

    # "Amazon API Gateway important notes": REQUEST_TOO_LARGE cannot be customised.
    assert {*GATEWAY_RESPONSES, "REQUEST_TOO_LARGE"} == {*model.shape_for("GatewayResponseType").enum}


@pytest.mark.parametrize("kind", GATEWAY_RESPONSES)
def test_a_refusal_of_the_gateway_is_a_problem(kind: str) -> None:
    response = GATEWAY_RESPONSES[kind]
    (template,) = response["responseTemplates"].values()

    # Nothing of the caller's is put in: it could break the JSON, or worse.
    assert set(re.findall(r"\$[\w.]+", template)) == {"$context.requestId"}
    problem = json.loads(template.replace("$context.requestId", "11111111-1111-1111-1111-111111111111"))
    assert matches(problem, "Problem")
    assert problem["status"] == response["statusCode"]
    assert problem["title"] == PHRASES[response["statusCode"]]
    assert problem["instance"] == "urn:uuid:11111111-1111-1111-1111-111111111111"
    headers = {name.rpartition(".")[2]: value for name, value in response["responseParameters"].items()}
    assert headers["Content-Type"] == "'application/problem+json'"
    assert headers["Access-Control-Allow-Origin"] == {"Fn::Sub": "'${CorsAllowedOrigin}'"}
    assert ("Retry-After" in headers) == (kind == "THROTTLED")


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        # An expired token's own status is 403; for a caller it is 401 like any other token that is not taken.
        (401, {"UNAUTHORIZED", "EXPIRED_TOKEN"}),
        (403, {"ACCESS_DENIED", "MISSING_AUTHENTICATION_TOKEN", "WAF_FILTERED"}),
        (404, {"RESOURCE_NOT_FOUND"}),
        (415, {"UNSUPPORTED_MEDIA_TYPE"}),
        (429, {"THROTTLED", "QUOTA_EXCEEDED"}),
        (504, {"INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"}),
    ],
)
def test_a_refusal_of_the_gateway_keeps_the_gateway_s_status(status: int, kinds: set[str]) -> None:
    assert {GATEWAY_RESPONSES[kind]["statusCode"] for kind in kinds} == {status}


@pytest.mark.parametrize("route", [route for route in ROUTES if "limit" in parameter_names(route)])
def test_the_limits_of_a_page_are_the_code_s(route: str) -> None:
    limit = parameter(route, "limit")

    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, paging.MAX_LIMIT, paging.DEFAULT_LIMIT)


def test_patterns_are_the_code_s() -> None:
    line = SCHEMAS["OrderRequest"]["properties"]["lines"]["items"]["properties"]

    assert parameter("GET /products/{sku}", "sku")["pattern"] == line["sku"]["pattern"] == SKU_PATTERN
    assert parameter("GET /products", "category")["pattern"] == CATEGORY_PATTERN
    product = SCHEMAS["ProductRequest"]["properties"]
    assert product["category"]["pattern"] == CATEGORY_PATTERN
    assert product["price"]["properties"]["currency"]["pattern"] == CURRENCY_PATTERN
    assert SCHEMAS["ChatTicket"]["properties"]["ticket"]["pattern"] == f"^{TICKET_PATTERN}$"
    key = parameter("POST /orders", "Idempotency-Key")
    repeated = f"{{{key['minLength']},{key['maxLength']}}}"
    assert key["pattern"] == f"^{IDEMPOTENCY_KEY_PATTERN.removesuffix(repeated)}+$"


@pytest.mark.parametrize("schema", ["OrderRequest", "PartnerOrderRequest"])
def test_the_limits_of_an_order_are_the_code_s(schema: str) -> None:
    lines = SCHEMAS[schema]["properties"]["lines"]
    quantity = lines["items"]["properties"]["quantity"]

    assert (lines["minItems"], lines["maxItems"]) == (1, MAX_LINES) == (1, 50)
    assert (quantity["minimum"], quantity["maximum"]) == (1, MAX_QUANTITY) == (1, 100)
    # JSON Schema cannot add up: what holds for all lines together is told in words.
    assert [int(number) for number in re.findall("[0-9]+", lines["description"])] == [MAX_QUANTITY, MAX_PIECES]


def test_the_limits_of_a_product_are_the_code_s() -> None:
    product = SCHEMAS["ProductRequest"]["properties"]
    amount = product["price"]["properties"]["amount"]

    assert (product["name"]["minLength"], product["name"]["maxLength"]) == (1, MAX_NAME)
    assert product["description"]["maxLength"] == MAX_DESCRIPTION
    assert (amount["minimum"], amount["maximum"]) == (1, MAX_AMOUNT) == (1, 10**9)
    assert (product["stock"]["minimum"], product["stock"]["maximum"]) == (0, MAX_STOCK)


@pytest.mark.parametrize(
    ("model", "member", "values"), [("Order", "status", Status), ("Order", "rejectionReason", Reason)]
)
def test_enumerations_are_the_code_s(model: str, member: str, values: Any) -> None:
    assert SCHEMAS[model]["properties"][member]["enum"] == [str(value) for value in values]
