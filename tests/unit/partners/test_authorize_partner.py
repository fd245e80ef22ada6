"""The TOKEN authorizer: a policy for a good token, a refusal for everything else."""

import fnmatch
import io
import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storefront.partners import authorize_partner
from storefront.partners.store import PartnerStore
from storefront.partners.token import Partner, issue
from storefront.shared import clock
from tests.support.faults import aws_error, refusing
from tools.testing.aws import Aws
from tools.testing.aws_calls import Listen
from tools.testing.events import Context
from tools.testing.template import openapi

STAGE = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev"
METHOD_ARN = f"{STAGE}/GET/partner/orders/PO-1"
API_KEY = "the-api-key-of-acme"


@pytest.fixture
def partners(aws: Aws) -> PartnerStore:
    return PartnerStore(aws.dynamodb, os.environ["PARTNERS_TABLE"])


@pytest.fixture
def token(partners: PartnerStore) -> str:
    """The token of a partner."""
    made, stored = issue("acme00000001")
    partners.add(Partner("acme00000001", "bronze", API_KEY, (stored,)))
    return made.to_text()


def authorize(authorization: Any, **changes: Any) -> dict[str, Any]:
    event = {"type": "TOKEN", "authorizationToken": authorization, "methodArn": METHOD_ARN, **changes}
    return authorize_partner.handler(event, Context())  # type: ignore[arg-type]


def assert_is_refused(authorization: Any, **changes: Any) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$") as raised:
        authorize(authorization, **changes)
    assert type(raised.value) is Exception


def test_a_good_token_is_told_who_it_is_and_whose_plan_counts(token: str) -> None:
    answer = authorize(f"Bearer {token}")

    assert answer["principalId"] == "acme00000001"
    assert answer["context"] == {"partnerId": "acme00000001"}
    assert answer["usageIdentifierKey"] == API_KEY
    # With an older version, or none, IAM reads parts of a policy otherwise.
    assert answer["policyDocument"]["Version"] == "2012-10-17"


def test_the_policy_allows_every_partner_route_and_nothing_else(token: str) -> None:
    answer = authorize(f"Bearer {token}")

    routes = [
        (method.upper(), path)
        for path, item in openapi()["paths"].items()
        for method in item.keys() & {"get", "put", "post", "delete", "patch"}
    ]
    assert ("POST", "/partner/orders") in routes
    for method, path in routes:
        called = path.replace("{", "").replace("}", "")
        assert allows(answer, f"{STAGE}/{method}{called}") == path.startswith("/partner/"), path


@pytest.mark.parametrize(
    "arn",
    [
        f"{STAGE}/GET/partnership/orders",
        f"{STAGE}/GET/orders/partner/x",
        f"{STAGE}/GET/x/POST/partner/orders",
        f"{STAGE}/DELETE/partner/orders",
        f"{STAGE}2/GET/partner/orders",
        f"{STAGE.replace('a1b2c3d4e5', 'other')}/GET/partner/orders",
        f"{STAGE.replace('/dev', '/prod')}/GET/partner/orders",
    ],
)
def test_the_policy_allows_nothing_that_only_looks_like_a_partner_route(token: str, arn: str) -> None:
    assert not allows(authorize(f"Bearer {token}"), arn)


def test_the_policy_is_the_same_whatever_route_was_asked_for(token: str) -> None:
    """The gateway holds a partner's other requests against the answer that it has kept."""
    one = authorize(f"Bearer {token}")
    other = authorize(f"Bearer {token}", methodArn=f"{STAGE}/POST/partner/orders")

    assert one == other


def test_a_good_token_of_a_revoked_partner_is_denied(partners: PartnerStore, token: str) -> None:
    partner = partners.get("acme00000001")
    assert partner
    partners.replace(replace(partner, revoked=True), partner)

    answer = authorize(f"Bearer {token}")

    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert not allows(answer, METHOD_ARN)


def test_a_bad_token_of_a_revoked_partner_learns_nothing(partners: PartnerStore, token: str) -> None:
    partner = partners.get("acme00000001")
    assert partner
    partners.replace(replace(partner, revoked=True), partner)

    assert_is_refused(f"Bearer {issue('acme00000001')[0].to_text()}")


def test_after_a_rotation_the_old_token_is_good_until_the_overlap_ends(
    partners: PartnerStore, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = partners.get("acme00000001")
    assert partner
    new, stored = issue("acme00000001")
    now = clock.now()
    partners.replace(partner.rotated(stored, now + timedelta(days=7), now), partner)

    assert authorize(f"Bearer {token}") == authorize(f"Bearer {new.to_text()}")

    monkeypatch.setattr("storefront.shared.clock.now", lambda: now + timedelta(days=7))
    assert_is_refused(f"Bearer {token}")
    assert authorize(f"Bearer {new.to_text()}")


def test_a_secret_that_was_taken_away_is_refused(partners: PartnerStore, token: str) -> None:
    partner = partners.get("acme00000001")
    assert partner
    partners.replace(replace(partner, secrets=()), partner)

    assert_is_refused(f"Bearer {token}")


def test_nobody_changes_a_partner_over_somebody_else(partners: PartnerStore, token: str) -> None:
    partner = partners.get("acme00000001")
    assert partner
    partners.replace(replace(partner, revoked=True), partner)

    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        partners.replace(replace(partner, secrets=()), partner)
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        partners.add(partner)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "beaReR ", "Bearer  ", "bearer    "])
def test_the_scheme_is_spelt_as_http_allows(token: str, scheme: str) -> None:
    assert authorize(scheme + token)


ATTACKS = {
    "no scheme": "{token}",
    "other scheme": "Basic {token}",
    "no space": "Bearer{token}",
    "a tab": "Bearer\t{token}",
    "a space in front": " Bearer {token}",
    "a space behind": "Bearer {token} ",
    "scheme twice": "Bearer Bearer {token}",
    "a line break": "Bearer {token}\n",
    "padded": "Bearer {token}=",
    "empty": "Bearer ",
    "nothing": "",
    "two tokens": "Bearer {token},{token}",
    "an injected query": "Bearer sfp_' OR '1'='1_{token}",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_tampered_header_is_refused(token: str, attack: str) -> None:
    assert_is_refused(attack.format(token=token))


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase, lambda t: t[:-1], lambda t: t + "A"])
def test_a_tampered_token_is_refused(token: str, change: Any) -> None:
    assert_is_refused(f"Bearer {change(token)}")


def test_the_parts_of_two_tokens_make_no_third(partners: PartnerStore, token: str) -> None:
    other, stored = issue("globex000001")
    partners.add(Partner("globex000001", "gold", "another-key", (stored,)))
    _, partner_id, secret = token.split("_")

    assert_is_refused(f"Bearer sfp_{partner_id}_{other.secret}")
    assert_is_refused(f"Bearer sfp_globex000001_{secret}")


@pytest.mark.parametrize("authorization", ["Basic abc", "Bearer abc", f"Bearer sfp_globex000001_{'x' * 43}"])
def test_a_stranger_raises_no_alarm(aws: Aws, authorization: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_is_refused(authorization)

    assert "Faults" not in capsys.readouterr().out


@pytest.mark.parametrize("authorization", [None, 1, [], {}, b"Bearer x"])
def test_what_the_gateway_never_sends_is_refused_too(aws: Aws, authorization: Any) -> None:
    assert_is_refused(authorization)


@pytest.mark.parametrize("method_arn", [None, "", "no-arn", STAGE])
def test_an_arn_that_is_none_is_a_refusal(token: str, method_arn: Any) -> None:
    assert_is_refused(f"Bearer {token}", methodArn=method_arn)


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ResourceNotFoundException"])
def test_a_table_that_cannot_be_read_is_a_refusal(listen: Listen, token: str, code: str) -> None:
    listen(refusing(aws_error(code)))

    assert_is_refused(f"Bearer {token}")


@pytest.mark.parametrize(
    "damage", [{"secrets": {"S": "x"}}, {"revoked": {"S": "x"}, "secrets": {"NULL": True}}, {"secrets": {"L": [{}]}}]
)
def test_a_damaged_item_is_a_refusal(aws: Aws, token: str, damage: dict[str, Any]) -> None:
    item = aws.dynamodb.get_item(TableName="PartnersTable", Key={"partnerId": {"S": "acme00000001"}})["Item"]
    damaged = {**item, **{name: value for name, value in damage.items() if value != {"L": [{}]}}}
    if damage.get("secrets") == {"L": [{}]}:
        damaged["secrets"] = {"L": [{"M": {}}]}
    aws.dynamodb.put_item(TableName="PartnersTable", Item=damaged)

    assert_is_refused(f"Bearer {token}")


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_no_part_of_a_token_is_logged(listen: Listen, token: str, log: io.StringIO, good: bool, fails: bool) -> None:
    if fails:
        listen(refusing(aws_error("AccessDeniedException")))
    sent = token if good else issue("acme00000001")[0].to_text()

    if good and not fails:
        authorize(f"Bearer {sent}")
    else:
        assert_is_refused(f"Bearer {sent}")

    assert log.getvalue()
    assert sent.rpartition("_")[2] not in log.getvalue()
    assert API_KEY not in log.getvalue()


def allows(answer: dict[str, Any], arn: str) -> bool:
    """Tell what the gateway makes of a policy: `*` stands for any characters, slashes too."""
    statements = answer["policyDocument"]["Statement"]
    effects = {
        statement["Effect"]
        for statement in statements
        for resource in statement["Resource"]
        if statement["Action"] == "execute-api:Invoke" and fnmatch.fnmatchcase(arn, resource)
    }
    return effects == {"Allow"}
