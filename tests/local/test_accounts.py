"""Accounts and tokens on the running stack: signing up, in and on, and what another's or an altered token opens."""

import base64
import json
import uuid
from typing import Any

import pytest

from tests.local.test_refusals import check_problem
from tools.console import Problem
from tools.demo.api_client import ApiClient, claims, sign_in
from tools.ops.accounts import Accounts, confirm_locally
from tools.stack.stack import Stack

PASSWORD = "Canary-pass-1"


@pytest.fixture(scope="module")
def accounts(stack: Stack) -> Accounts:
    return Accounts.of(stack)


def orders(stack: Stack, token: str | None) -> Any:
    return ApiClient(stack.url, token).request("GET", "/orders")


def test_who_signs_up_can_sign_in_and_go_on(stack: Stack, accounts: Accounts) -> None:
    email = f"{uuid.uuid4().hex}@storefront.example"

    accounts.sign_up(email, PASSWORD)
    with pytest.raises(Problem, match="Cognito refuses"):
        accounts.sign_in(email, PASSWORD)
    confirm_locally(stack, email)
    tokens = accounts.sign_in(email, PASSWORD)
    refreshed = accounts.refresh(tokens["RefreshToken"])

    assert claims(tokens["IdToken"])["sub"] == claims(refreshed["IdToken"])["sub"]
    assert orders(stack, refreshed["IdToken"]).status_code == 200
    with pytest.raises(Problem, match="Cognito refuses"):
        accounts.sign_in(email, "not the password")
    with pytest.raises(Problem, match="Cognito refuses"):
        accounts.refresh("not a token")


@pytest.mark.parametrize(("user", "group"), [("customer", "customers"), ("other", "customers"), ("support", "support")])
def test_everybody_is_in_their_group(stack: Stack, user: str, group: str) -> None:
    assert claims(sign_in(stack, user))["cognito:groups"] == [group]


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return sign_in(stack, "customer")


def test_a_token_that_cognito_has_not_signed_is_401(stack: Stack, token: str) -> None:
    head, body, signature = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    attacks = {
        "none": None,
        "no token": "",
        "cut": token[:-10],
        "no signature": f"{head}.{body}.",
        "an altered signature": f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "altered claims": f"{head}.{part(claims(token) | {'sub': str(uuid.uuid4())})}.{signature}",
        "alg none": f"{part({'alg': 'none'})}.{body}.",
        "alg none, with a signature": f"{part(header | {'alg': 'none'})}.{body}.{signature}",
        "alg HS256": f"{part(header | {'alg': 'HS256'})}.{body}.{signature}",
        "expired by its own word": f"{head}.{part(claims(token) | {'exp': 1})}.{signature}",
    }

    for name, attack in attacks.items():
        answer = orders(stack, attack)
        assert answer.status_code == 401, name
        check_problem(answer, 401)


def test_another_pool_s_token_is_401(stack: Stack) -> None:
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="another")["UserPool"]["Id"]
    try:
        check_problem(orders(stack, token_of(cognito, pool, "customer@storefront.example")), 401)
    finally:
        cognito.delete_user_pool(UserPoolId=pool)


def token_of(cognito: Any, pool: str, email: str) -> str:
    """Return the id token that a new client of a pool gets for a new user."""
    client_id = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="another",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
    token: str = Accounts(cognito, client_id).sign_in(email, PASSWORD)["IdToken"]
    return token


def test_another_client_s_token_is_401(stack: Stack) -> None:
    cognito, pool = stack.client("cognito-idp"), stack.outputs["UserPoolId"]

    token = token_of(cognito, pool, f"{uuid.uuid4().hex}@storefront.example")

    assert "this shop's client" in check_problem(orders(stack, token), 401)


def test_an_access_token_is_401(stack: Stack, accounts: Accounts) -> None:
    user = stack.users["customer"]

    token = accounts.sign_in(user.email, user.password)["AccessToken"]

    assert "ID token" in check_problem(orders(stack, token), 401)
