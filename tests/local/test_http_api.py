"""HTTP APIs, made by SAM and by resources of their own; each test fails on the emulator as it is installed."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.local.conftest import RouteApis
from tests.support.route_apis import ORIGIN
from tools.stack.stack import Stack

Call = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def call(route_apis: RouteApis) -> Call:
    def send(path: str, method: str = "GET", api: str = "Sam", **more: Any) -> requests.Response:
        return requests.request(method, f"{route_apis.address(api)}{path}", timeout=30, **more)

    return send


@pytest.fixture(scope="module")
def tokens(stack: Stack, route_apis: RouteApis) -> dict[str, str]:
    cognito, pool, word = stack.client("cognito-idp"), route_apis.outputs["Pool"], "Aa1!aaaaaaaa"
    cognito.admin_create_user(UserPoolId=pool, Username="u", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="u", Password=word, Permanent=True)
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=route_apis.outputs["Client"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "u", "PASSWORD": word},
    )
    result: dict[str, str] = answer["AuthenticationResult"]
    return result


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        ("/items/7", "GET /items/{id}", {"id": "7"}),
        ("/items/7/8", "ANY /items/{all+}", {"all": "7/8"}),
        ("/deep/er/still", "GET /deep/{first}/{second}", {"first": "er", "second": "still"}),
        ("/what/ever", "$default", None),
    ],
)
def test_a_route_that_fits_whole_comes_before_a_greedy_one_and_default_last(
    call: Call, path: str, route: str, parameters: Any
) -> None:
    event = call(path).json()

    assert (event["routeKey"], event.get("pathParameters")) == (route, parameters)


def test_format_2_has_cookies_stage_variables_and_joined_values(call: Call) -> None:
    answer = call("/items/7?a=1&a=2", "POST", data=b"\x00", headers={"Cookie": "a=1; b=2"})

    event = answer.json()
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/items/7", "a=1&a=2")
    assert (event["cookies"], event["stageVariables"]) == (["a=1", "b=2"], {"colour": "blue"})
    assert (event["queryStringParameters"], event["body"], event["isBase64Encoded"]) == ({"a": "1,2"}, "AA==", True)
    assert answer.cookies.get_dict() == {"a": "1", "b": "2"}


def test_format_1_has_an_event_and_an_answer_like_a_rest_api_s(call: Call) -> None:
    answer = call("/old?a=1&a=2")

    event = answer.json()
    assert (event["version"], event["path"], event["httpMethod"]) == ("1.0", "/old", "GET")
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert not answer.cookies
    assert call("/old?do=short").json() == {"message": "Internal Server Error"}


def test_a_payload_without_a_status_is_the_body(call: Call) -> None:
    assert call("/what?do=short").json() == {"hello": "short"}
    assert call("/what?do=text").text == "Hello"


@pytest.mark.parametrize(
    ("path", "api", "status", "message"),
    [
        ("/what?do=fail", "Sam", 500, "Internal Server Error"),
        ("/late?do=sleep", "Sam", 503, "Service Unavailable"),
        ("/secure", "Sam", 401, "Unauthorized"),
        ("/test/nothing", "Plain", 404, "Not Found"),
        ("/no-stage", "Plain", 404, "Not Found"),
        ("/test/forbidden", "Plain", 500, "Internal Server Error"),
    ],
)
def test_what_goes_wrong_is_a_message(call: Call, path: str, api: str, status: int, message: str) -> None:
    failed = call(path, api=api)

    assert (failed.status_code, failed.json()) == (status, {"message": message})


def test_a_stage_with_a_name_is_part_of_the_path(call: Call) -> None:
    event = call("/test/named", api="Plain").json()

    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == ("/test/named", "/test/named")


def test_a_token_of_the_pool_s_client_is_taken_and_a_route_s_scopes_are_asked_for(
    call: Call, tokens: dict[str, str]
) -> None:
    bearer = {"Authorization": f"Bearer {tokens['IdToken']}"}

    known = call("/secure", headers=bearer).json()["requestContext"]["authorizer"]["jwt"]["claims"]

    assert known["token_use"] == "id"
    forbidden = call("/scoped", headers=bearer)
    assert (forbidden.status_code, forbidden.json()) == (403, {"message": "Forbidden"})
    foreign = {"Authorization": f"Bearer {tokens['IdToken'][:-8]}AAAAAAAA"}
    assert call("/secure", headers=foreign).status_code == 401


def test_a_lambda_authorizer_is_called_if_api_gateway_may(call: Call) -> None:
    allowed, forbidden = (call(path, headers={"X-A": "a"}) for path in ("/asked", "/unasked"))

    assert allowed.json()["requestContext"]["authorizer"] == {"lambda": {"said": "yes"}}
    assert (forbidden.status_code, forbidden.json()) == (500, {"message": "Internal Server Error"})


def test_a_preflight_request_is_answered_and_back_ends_headers_for_cors_are_replaced(call: Call) -> None:
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    preflight = call("/secure", "OPTIONS", headers=asking)
    foreign = call("/secure", "OPTIONS", headers=asking | {"Origin": "https://other.example"})
    real = call("/items/7", headers={"Origin": ORIGIN})
    program = call("/items/7")

    expected = {"Origin": ORIGIN, "Methods": "GET", "Headers": "x-y"}
    assert preflight.status_code == 204
    assert {name: preflight.headers[f"Access-Control-Allow-{name}"] for name in expected} == expected
    assert preflight.headers["Access-Control-Max-Age"] == "60"
    assert real.headers["Access-Control-Allow-Origin"] == ORIGIN
    for other in (foreign, program):
        assert "Access-Control-Allow-Origin" not in other.headers


def test_a_preflight_request_asks_the_authorizer_of_the_route_that_catches_it(call: Call) -> None:
    asking = {"Origin": "https://any.example", "Access-Control-Request-Method": "GET"}

    assert call("/test/guarded", "OPTIONS", api="Plain", headers=asking).status_code == 403
    assert call("/test/none", "OPTIONS", api="Plain", headers=asking).status_code == 204


def test_origins_may_be_all_of_a_scheme_and_other_options_requests_go_to_their_route(call: Call) -> None:
    real = call("/test/named", api="Plain", headers={"Origin": "https://any.example"})
    options = call("/test/named", "OPTIONS", api="Plain")

    assert real.headers["Access-Control-Allow-Origin"] == "https://any.example"
    assert (options.status_code, options.json()["routeKey"]) == (200, "OPTIONS /named")
