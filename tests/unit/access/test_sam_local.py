"""The identity under `sam local`: there it is who was set, and on AWS it is nobody, whatever is set."""

import pytest

from storefront.access.identity import Customer, customer_of
from storefront.shared.errors import Unauthenticated
from tests.support.template import resources

UNCLAIMED = {"requestContext": {"requestId": "request"}}
# What the SAM CLI sets (samcli.local.lambdafn.env_vars), and what Lambda does in the same variable.
SAM_LOCAL = {"AWS_SAM_LOCAL": "true", "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST"}
ON_AWS = {"AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/20/[7]5d1f0c3b9e114b8e9a531d2f7c0b9e11"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SAM_LOCAL_CUSTOMER", "ada:customers,support")
    return monkeypatch


def test_under_sam_local_the_customer_is_the_one_that_was_set(environment: pytest.MonkeyPatch) -> None:
    for name, value in SAM_LOCAL.items():
        environment.setenv(name, value)

    assert customer_of(UNCLAIMED, "the-client") == Customer("ada", frozenset({"customers", "support"}))

    environment.setenv("SAM_LOCAL_CUSTOMER", "ada")
    assert customer_of(UNCLAIMED, "the-client") == Customer("ada")


@pytest.mark.parametrize("customer", ["", ":", ":support"])
def test_under_sam_local_nobody_is_set_by_default(environment: pytest.MonkeyPatch, customer: str) -> None:
    for name, value in {**SAM_LOCAL, "SAM_LOCAL_CUSTOMER": customer}.items():
        environment.setenv(name, value)

    with pytest.raises(Unauthenticated):
        customer_of(UNCLAIMED, "the-client")


@pytest.mark.parametrize(
    "on_aws",
    [
        ON_AWS,
        # Not reserved by Lambda: somebody could set it.
        {**ON_AWS, "AWS_SAM_LOCAL": "true"},
        {"AWS_SAM_LOCAL": "true"},
        {"AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST"},
        {**SAM_LOCAL, "AWS_SAM_LOCAL": "false"},
        {},
    ],
    ids=str,
)
def test_on_aws_the_setting_has_no_effect(environment: pytest.MonkeyPatch, on_aws: dict[str, str]) -> None:
    for name, value in on_aws.items():
        environment.setenv(name, value)

    with pytest.raises(Unauthenticated):
        customer_of(UNCLAIMED, "the-client")


def test_claims_count_more_than_the_setting(environment: pytest.MonkeyPatch) -> None:
    for name, value in SAM_LOCAL.items():
        environment.setenv(name, value)
    claims = {"sub": "grace", "token_use": "id", "aud": "the-client"}

    assert customer_of({"requestContext": {"authorizer": {"claims": claims}}}, "the-client") == Customer("grace")
    with pytest.raises(Unauthenticated):
        customer_of({"requestContext": {"authorizer": {"claims": claims | {"aud": "other"}}}}, "the-client")


def test_the_template_sets_it_to_nothing() -> None:
    given = [
        function["Environment"]["Variables"]["SAM_LOCAL_CUSTOMER"]
        for function in resources("AWS::Lambda::Function").values()
        if "SAM_LOCAL_CUSTOMER" in function["Environment"]["Variables"]
    ]

    assert given
    assert set(given) == {""}
