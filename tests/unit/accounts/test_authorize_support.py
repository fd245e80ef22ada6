"""The authorizer of support's routes: a member of support who may act now, and nobody else."""

import base64
import json
from typing import Any

import pytest

from storefront.accounts import authorize_support
from storefront.accounts.user_pool import UserPool
from tests.support.faults import aws_error
from tests.support.ids import shown
from tools.testing.aws_calls import AwsCall, Listen
from tools.testing.events import Context

ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/POST/orders/ord-1/refund"
POOL, CLIENT = "us-east-1_thepool", "the-client"
MEMBER = "5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e12"
CLAIMS = {
    "sub": MEMBER,
    "username": "ada",
    "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
    "client_id": CLIENT,
    "token_use": "access",
    # Cognito's word counts, not the token's.
    "cognito:groups": ["support"],
}


class Cognito:
    """Cognito, which finds every token genuine that it is not told to refuse."""

    def __init__(self, listen: Listen) -> None:
        self.groups = ["support"]
        self.refusals: dict[str, Exception] = {}
        self.calls: list[AwsCall] = []
        listen(self.answer)

    def answer(self, call: AwsCall) -> dict[str, Any]:
        self.calls.append(call)
        if refusal := self.refusals.get(call.operation):
            raise refusal
        if call.operation == "GetUser":
            return {"Username": "ada", "UserAttributes": []}
        return {"Groups": [{"GroupName": group} for group in self.groups]}


@pytest.fixture
def cognito(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> Cognito:
    users = UserPool(authorize_support._users._cognito, POOL, CLIENT)
    monkeypatch.setattr(authorize_support, "_users", users)
    return Cognito(listen)


def token(**changes: Any) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, CLAIMS | changes, "signature")
    )


def authorize(authorization: object, **changes: Any) -> dict[str, Any]:
    event = {"type": "TOKEN", "authorizationToken": authorization, "methodArn": ARN, **changes}
    answer: dict[str, Any] = authorize_support.handler(event, Context())  # type: ignore[arg-type]
    return answer


def effect(answer: dict[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    return str(statement["Effect"])


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer  "])
def test_a_member_of_support_may_call_this_method_and_is_named(cognito: Cognito, scheme: str) -> None:
    answer = authorize(f"{scheme}{token()}")

    assert answer == {
        "principalId": MEMBER,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}],
        },
        "context": {"memberId": MEMBER},
    }
    assert [(call.operation, call.parameters) for call in cognito.calls] == [
        ("GetUser", {"AccessToken": token()}),
        ("AdminListGroupsForUser", {"UserPoolId": POOL, "Username": "ada", "Limit": 60}),
    ]


@pytest.mark.parametrize("groups", [[], ["customers"], ["Support"], ["support-lite"]])
def test_who_is_not_in_the_group_now_is_denied_whatever_the_token_says(cognito: Cognito, groups: list[str]) -> None:
    cognito.groups = groups

    answer = authorize(token())

    assert (effect(answer), answer["context"]) == ("Deny", {})


@pytest.mark.parametrize("operation", ["GetUser", "AdminListGroupsForUser"])
@pytest.mark.parametrize(
    "code", ["NotAuthorizedException", "UserNotFoundException", "TooManyRequestsException", "InternalErrorException"]
)
def test_what_cognito_does_not_vouch_for_is_denied(cognito: Cognito, operation: str, code: str) -> None:
    cognito.refusals[operation] = aws_error(code, operation)

    assert effect(authorize(token())) == "Deny"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_another"},
        {"iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}/another"},
        {"iss": None},
        {"client_id": "another"},
        {"token_use": "id"},
        {"username": None, "token_use": None},
    ],
    ids=shown,
)
def test_a_token_of_another_pool_client_or_kind_is_denied_and_cognito_is_not_asked(
    cognito: Cognito, changes: dict[str, Any]
) -> None:
    assert effect(authorize(token(**changes))) == "Deny"
    assert cognito.calls == []


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "a.b", "a.b.c", "a.b.c.d", "Basic YTpi", f"{token()} ", "e30.W10.x", "é.é.é", None]
)
def test_what_is_no_token_is_denied(cognito: Cognito, authorization: object) -> None:
    assert effect(authorize(authorization)) == "Deny"
    assert cognito.calls == []


def test_an_event_without_a_token_or_a_method_is_denied(cognito: Cognito) -> None:
    answer = authorize_support.handler({}, Context())  # type: ignore[arg-type]

    assert answer["policyDocument"]["Statement"] == [
        {"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"}
    ]
