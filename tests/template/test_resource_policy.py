"""The REST API's resource policy, evaluated for every route: who is let in by it, and who is kept out."""

import ipaddress
import operator
import re
from typing import Any

import pytest

from tools.testing.deployment import Deployment
from tools.testing.template import Json, openapi, source

POLICY = openapi()["x-amazon-apigateway-policy"]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in openapi()["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
# Routes of other mechanisms, whether or not they are in the document yet.
NEVER_ALLOWED = [
    "PUT /products/{sku}",
    "POST /partner/orders",
    "GET /partner/orders/{reference}",
    "GET /partner/products.xml",
    "POST /webhooks/payments",
]
DENIED, SOMEBODY = "192.0.2.0", "198.51.100.7"
STAGE = "dev"


def mechanism(operation: Json) -> str:
    """Return how the gateway checks who is calling: `anonymous`, or the type of the authorizer."""
    schemes = openapi()["components"]["securitySchemes"]
    required = [name for requirement in operation.get("security", []) for name in requirement]
    # An API key counts requests; it lets nobody in.
    types = {schemes[name]["x-amazon-apigateway-authtype"] for name in required if name != "apiKey"}
    return "+".join(sorted(types)) or "anonymous"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def verdict(method: str, path: str, address: str, vpc_endpoint: str = "", **parameters: str) -> str:
    """Return what the policy says to a request, through a VPC endpoint or none: `deny`, `allow`, or `neither`."""
    # A request through an endpoint has its address in another key ("API Gateway resource policy examples", Amazon API
    # Gateway Developer Guide).
    request = (
        {"aws:VpcSourceIp": address, "aws:SourceVpce": vpc_endpoint} if vpc_endpoint else {"aws:SourceIp": address}
    )
    deployment = Deployment(Environment=STAGE, **parameters)
    statements = [one for one in deployment.resolve(POLICY)["Statement"] if one != {"Ref": "AWS::NoValue"}]
    effects = {one["Effect"] for one in statements if applies(one, method, path, request, deployment.parameters)}
    return "deny" if "Deny" in effects else "allow" if "Allow" in effects else "neither"


def applies(statement: Json, method: str, path: str, request: dict[str, str], values: Json) -> bool:
    assert statement["Principal"] == "*"
    assert statement["Action"] == "execute-api:Invoke"
    resource = f"execute-api:/{STAGE}/{method}{path}"
    patterns = [filled_in(one, values) for one in as_list(statement["Resource"])]
    globs = ("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in one) for one in patterns)
    if not any(re.fullmatch(glob, resource, re.DOTALL) for glob in globs):
        return False
    return all(
        MEETS[name](request.get(key, ""), value)
        for name, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    )


def filled_in(text: str | Json, parameters: Json) -> str:
    sub = text if isinstance(text, str) else text["Fn::Sub"]
    return re.sub(r"\$\{(\w+)\}", lambda name: parameters[name[1]], sub)


def is_in(address: str, networks: str) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(one) for one in networks.split(",") if address)


MEETS = {"IpAddress": is_in, "StringNotEquals": operator.ne}


def requested(path: str) -> list[str]:
    """Return paths that a route's path parameters let through: plain ones, and such that look like another route."""
    if "{" not in path:
        return [path]
    values = ("MUG-001", "GET/products", "..", "*", "orders")
    return [re.sub(r"\{\w+\}", value, path) for value in values]


@pytest.mark.parametrize("route", OPERATIONS)
def test_the_policy_lets_in_where_nothing_else_or_cognito_checks_and_nowhere_else(route: str) -> None:
    method, path = route.split()
    open_to_it = mechanism(OPERATIONS[route]) in ("anonymous", "cognito_user_pools")

    for one in requested(path):
        assert verdict(method, one, SOMEBODY) == ("allow" if open_to_it else "neither")


@pytest.mark.parametrize("route", NEVER_ALLOWED)
def test_the_policy_says_nothing_of_routes_that_iam_or_a_lambda_authorizer_guards(route: str) -> None:
    method, path = route.split()

    for one in requested(path):
        assert verdict(method, one, SOMEBODY) == "neither"


@pytest.mark.parametrize("path", ["/", "/health", "/products", "/products/MUG-001", "/orders", "/orders/1", "/partner"])
def test_a_method_that_there_is_not_is_not_let_in(path: str) -> None:
    for method in ("DELETE", "PATCH", "PUT", "HEAD"):
        assert verdict(method, path, SOMEBODY) == "neither"


def test_a_stage_s_routes_are_meant_and_no_path_that_looks_like_one() -> None:
    assert verdict("PUT", "/products/dev/GET/health", SOMEBODY) == "neither"
    assert verdict("POST", "/partner/orders/GET/products", SOMEBODY) == "neither"


@pytest.mark.parametrize("route", [*OPERATIONS, *NEVER_ALLOWED])
def test_an_address_on_the_deny_list_is_kept_out_everywhere(route: str) -> None:
    method, path = route.split()

    for one in requested(path):
        assert verdict(method, one, DENIED) == "deny"


def test_the_deny_list_is_the_parameter_s() -> None:
    listed = {"DeniedCidrs": "198.51.100.0/24,203.0.113.9/32,2001:db8::/32"}

    assert verdict("GET", "/health", "198.51.100.200", **listed) == "deny"
    assert verdict("GET", "/health", "203.0.113.9", **listed) == "deny"
    assert verdict("GET", "/health", "2001:db8::1", **listed) == "deny"
    assert verdict("GET", "/health", "203.0.113.8", **listed) == "allow"
    assert verdict("GET", "/health", DENIED, **listed) == "allow"


PRIVATE = {"EndpointType": "PRIVATE", "VpcEndpointId": "vpce-0a1b2c3d"}


@pytest.mark.parametrize("route", [*OPERATIONS, *NEVER_ALLOWED])
def test_a_private_api_is_called_through_its_vpc_endpoint_only(route: str) -> None:
    method, path = route.split()

    for one in requested(path):
        through = verdict(method, one, "10.0.0.7", PRIVATE["VpcEndpointId"], **PRIVATE)
        assert through == verdict(method, one, SOMEBODY)
        assert verdict(method, one, "10.0.0.7", "vpce-0fffffff", **PRIVATE) == "deny"
        assert verdict(method, one, SOMEBODY, **PRIVATE) == "deny"


def test_the_deny_list_of_a_private_api_has_addresses_in_the_vpc() -> None:
    listed = PRIVATE | {"DeniedCidrs": "10.0.0.0/24"}

    assert verdict("GET", "/health", "10.0.0.7", PRIVATE["VpcEndpointId"], **listed) == "deny"
    assert verdict("GET", "/health", "10.0.1.7", PRIVATE["VpcEndpointId"], **listed) == "allow"


def test_by_default_the_deny_list_holds_an_address_of_nobody() -> None:
    # RFC 5737: for documentation only
    assert source()["Parameters"]["DeniedCidrs"] == {
        "Type": "CommaDelimitedList",
        "Description": source()["Parameters"]["DeniedCidrs"]["Description"],
        "Default": "192.0.2.0/32",
    }


def test_each_route_s_mechanism_is_one_that_is_known_here() -> None:
    known = {"anonymous", "awsSigv4", "cognito_user_pools", "custom"}

    assert {mechanism(operation) for operation in OPERATIONS.values()} <= known


def test_signed_routes_say_so_in_both_places() -> None:
    signed = {route for route, operation in OPERATIONS.items() if mechanism(operation) == "awsSigv4"}

    assert signed == {"PUT /products/{sku}"}
    assert [route for route, one in OPERATIONS.items() if "x-amazon-apigateway-auth" in one] == sorted(signed)
    assert all(OPERATIONS[route]["x-amazon-apigateway-auth"] == {"type": "AWS_IAM"} for route in signed)
