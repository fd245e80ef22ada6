"""Callers that an API takes, and functions that it may call, on an API of the tests' own."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.gateway_api import deployed
from tests.support.gateway_callers import NAME, template
from tools.ops.back_office import signed
from tools.stack.stack import Stack

Json = dict[str, Any]
Call = Callable[..., requests.Response]
ALLOW, SILENT, DENY = "Allow", "Silent", "Deny"
PASSWORD = "Tests-only-1"
INVALID = "Execution failed due to configuration error: Invalid permissions on Lambda function"

# How API Gateway resource policies affect authorization workflow, table A: the identity's policy (or the Lambda
# authorizer's), the resource policy, and whether the caller is let in.
TABLE_A = [
    (ALLOW, ALLOW, True),
    (ALLOW, SILENT, True),
    (ALLOW, DENY, False),
    (SILENT, ALLOW, True),
    (SILENT, SILENT, False),
    (SILENT, DENY, False),
    (DENY, ALLOW, False),
    (DENY, SILENT, False),
    (DENY, DENY, False),
]


@pytest.fixture(scope="module")
def outputs(stack: Stack) -> Iterator[Json]:
    with deployed(stack, NAME, template()) as values:
        yield values


@pytest.fixture(scope="module")
def address(stack: Stack, outputs: Json) -> str:
    return f"{stack.endpoint}/_aws/execute-api/{outputs['Api']}/test"


@pytest.fixture(scope="module")
def call(address: str) -> Call:
    def send(path: str, headers: dict[str, str] | None = None) -> requests.Response:
        return requests.get(f"{address}{path}", headers=headers, timeout=30)

    return send


@pytest.fixture(scope="module")
def users(stack: Stack) -> Iterator[dict[str, dict[str, str]]]:
    """Keys of IAM users with a policy that allows, says nothing, or denies."""
    iam, keys = stack.client("iam"), {}
    for effect in (ALLOW, SILENT, DENY):
        name = f"{NAME}-{effect}"
        iam.create_user(UserName=name)
        statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": "*"}
        if effect != SILENT:
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys[effect] = {
            "access_key_id": key["AccessKeyId"],
            "secret_access_key": key["SecretAccessKey"],
            "session_token": "",
        }
    yield keys
    for effect, key in keys.items():
        iam.delete_access_key(UserName=f"{NAME}-{effect}", AccessKeyId=key["access_key_id"])
        if effect != SILENT:
            iam.delete_user_policy(UserName=f"{NAME}-{effect}", PolicyName="p")
        iam.delete_user(UserName=f"{NAME}-{effect}")


@pytest.fixture(scope="module")
def tokens(stack: Stack, outputs: Json) -> Callable[..., dict[str, str]]:
    """Signs somebody in, with one of the pool's clients."""
    cognito, pool, name = stack.client("cognito-idp"), outputs["Pool"], uuid.uuid4().hex
    cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)

    def sign_in(client: str = "Client") -> dict[str, str]:
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=outputs[client],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        return {kind: answer[kind] for kind in ("IdToken", "AccessToken")}

    return sign_in


def refusal(answer: requests.Response) -> tuple[int, str] | None:
    """Return the status and the gateway response of a caller who is not let in."""
    return None if answer.status_code == 200 else (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize(("policy", "lets_in"), [(ALLOW, True), (SILENT, False), (DENY, False)])
def test_without_an_authorizer_the_resource_policy_must_allow(call: Call, policy: str, lets_in: bool) -> None:
    answer = call(f"/open/{policy.lower()}")

    assert refusal(answer) == (None if lets_in else (403, "ACCESS_DENIED"))


@pytest.mark.parametrize(("identity", "policy", "lets_in"), TABLE_A)
def test_a_lambda_authorizer_s_policy_and_the_resource_policy_are_combined(
    call: Call, identity: str, policy: str, lets_in: bool
) -> None:
    answer = call(f"/lambda/{policy.lower()}", {"X-Effect": identity})

    assert refusal(answer) == (None if lets_in else (403, "ACCESS_DENIED"))


@pytest.mark.parametrize(("identity", "policy", "lets_in"), TABLE_A)
def test_a_signed_caller_s_policies_and_the_resource_policy_are_combined(
    stack: Stack, address: str, users: dict[str, dict[str, str]], identity: str, policy: str, lets_in: bool
) -> None:
    url = f"{address}/iam/{policy.lower()}"

    answer = requests.get(url, headers=signed("GET", url, b"", {}, users[identity], stack.region), timeout=30)

    assert refusal(answer) == (None if lets_in else (403, "ACCESS_DENIED"))


@pytest.mark.parametrize(("policy", "lets_in"), [(ALLOW, True), (SILENT, False), (DENY, False)])
def test_with_a_user_pool_the_resource_policy_must_allow_too(
    call: Call, tokens: Callable[..., dict[str, str]], policy: str, lets_in: bool
) -> None:
    answer = call(f"/pool/{policy.lower()}", {"Authorization": tokens()["IdToken"]})

    assert refusal(answer) == (None if lets_in else (403, "ACCESS_DENIED"))


@pytest.mark.parametrize("policy", ["allow", "silent", "deny"])
def test_a_user_pool_is_asked_before_the_resource_policy(call: Call, policy: str) -> None:
    answer = call(f"/pool/{policy}", {"Authorization": "made.up.token"})

    assert refusal(answer) == (401, "UNAUTHORIZED")


def test_an_explicit_deny_comes_before_the_lambda_authorizer(call: Call) -> None:
    called = call("/lambda/silent", {"X-Effect": "Fail"})
    denied = call("/lambda/deny", {"X-Effect": "Fail"})

    assert [refusal(called), refusal(denied)] == [(500, "AUTHORIZER_FAILURE"), (403, "ACCESS_DENIED")]


def test_without_its_identity_source_a_lambda_authorizer_is_not_called(call: Call) -> None:
    assert refusal(call("/lambda/allow")) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("path", "kind", "lets_in"),
    [
        ("/pool/allow", "IdToken", True),
        ("/pool/allow", "AccessToken", False),
        ("/scoped/allow", "AccessToken", True),
        ("/scoped/allow", "IdToken", False),
    ],
)
@pytest.mark.parametrize("client", ["Client", "OtherClient"])
def test_scopes_ask_for_an_access_token_and_their_absence_for_an_id_token(
    call: Call, tokens: Callable[..., dict[str, str]], client: str, path: str, kind: str, lets_in: bool
) -> None:
    answer = call(path, {"Authorization": tokens(client)[kind]})

    assert refusal(answer) == (None if lets_in else (401, "UNAUTHORIZED"))


def test_a_user_pool_authorizer_may_ask_for_the_tokens_of_one_client(
    stack: Stack, outputs: Json, call: Call, tokens: Callable[..., dict[str, str]]
) -> None:
    # Given an authorizer with an expression, deployed
    gateway, api_id = stack.client("apigateway"), outputs["Api"]
    authorizers = gateway.get_authorizers(restApiId=api_id)["items"]
    authorizer = next(each["id"] for each in authorizers if each["name"] == "pool")

    def expect(expression: str) -> None:
        patch = [{"op": "replace", "path": "/identityValidationExpression", "value": expression}]
        gateway.update_authorizer(restApiId=api_id, authorizerId=authorizer, patchOperations=patch)
        gateway.create_deployment(restApiId=api_id, stageName="test")

    expect(outputs["Client"])

    # When tokens of both clients are sent
    answers = [call("/pool/allow", {"Authorization": tokens(each)["IdToken"]}) for each in ("Client", "OtherClient")]

    # Then the other client's is refused
    assert [refusal(answer) for answer in answers] == [None, (401, "UNAUTHORIZED")]
    expect("")


@pytest.mark.parametrize("path", ["permitted/x", "as-role"])
def test_a_function_is_called_by_its_permission_or_the_integration_s_role(call: Call, path: str) -> None:
    assert call(f"/invoke/{path}").text == "called"


@pytest.mark.parametrize("path", ["other-method", "other-alias/x", "nobody", "mapped", "as-powerless-role"])
def test_a_function_without_a_permission_for_this_method_and_alias_is_500_and_the_log_says_why(
    call: Call, state: Path, path: str
) -> None:
    answer = call(f"/invoke/{path}")

    assert refusal(answer) == (500, "API_CONFIGURATION_ERROR")
    assert f"/invoke/{path} failed: {INVALID}" in (state / "emulator.log").read_text()


def test_an_authorizer_without_a_permission_is_500_and_the_log_says_why(call: Call, state: Path) -> None:
    answer = call("/unpermitted/allow", {"X-Effect": ALLOW})

    assert refusal(answer) == (500, "API_CONFIGURATION_ERROR")
    assert f"authorizer unpermitted: {INVALID}" in (state / "emulator.log").read_text()
