"""Attacks on partner tokens."""

from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

from storefront.partners import token as partner_token
from storefront.shared import clock
from tests.defences.defence import Defence

MODULE = "storefront.partners.token"
POLICY = "storefront.partners.policy"
ARN = "arn:aws:execute-api:eu-west-1:123456789012:api/prod/GET/partner/orders/PO-1"
NOW = clock.now()


class Refused(Exception):
    """The attack does not get through."""


def let_in(good: bool) -> None:
    if not good:
        raise Refused


def partner(module: ModuleType, *stored: Any, **changes: Any) -> Any:
    return replace(module.Partner("acme00000001", "bronze", "an-api-key", stored), **changes)


def altered(module: ModuleType) -> None:
    token, stored = module.issue("acme00000001")
    wrong = replace(token, secret=token.secret[:-1] + ("A" if token.secret[-1] != "A" else "B"))
    let_in(partner(module, stored).owns(wrong, NOW))


def with_anothers_id(module: ModuleType) -> None:
    token, stored = module.issue("acme00000001")
    let_in(partner(module, stored).owns(replace(token, partner_id="globex000001"), NOW))


def after_its_end(module: ModuleType) -> None:
    token, stored = module.issue("acme00000001")
    let_in(partner(module, stored.expiring(NOW)).owns(token, NOW + timedelta(days=1)))


def with_a_line_break(module: ModuleType) -> None:
    token, _ = module.issue("acme00000001")
    let_in(module.parse(token.to_text() + "\n") is not None)


def kept_for_ever(module: ModuleType) -> None:
    token, stored = module.issue("acme00000001")
    rotated = partner(module, stored).rotated(module.StoredSecret.of("B" * 43), NOW + timedelta(days=1), NOW)
    let_in(rotated.owns(token, NOW + timedelta(days=2)))


def revoked(module: ModuleType) -> None:
    answer = module.answer_for(partner(partner_token, revoked=True), ARN)
    let_in(answer["policyDocument"]["Statement"][0]["Effect"] == "Allow")


def on_another_route(module: ModuleType) -> None:
    answer = module.answer_for(partner(partner_token), ARN)
    let_in(any("/partner/" not in resource for resource in answer["policyDocument"]["Statement"][0]["Resource"]))


DEFENCES = (
    Defence(
        "the secret is the one whose keyed hash is kept",
        MODULE,
        "same = hmac.compare_digest(self.hash, _hash(self.key, secret))",
        "same = True",
        altered,
        Refused,
    ),
    Defence(
        "the secret belongs to the partner that the token names",
        MODULE,
        "token.partner_id == self.id and ",
        "",
        with_anothers_id,
        Refused,
    ),
    Defence(
        "the secret has not expired",
        MODULE,
        "return same and (self.expires_at is None or now < self.expires_at)",
        "return same",
        after_its_end,
        Refused,
    ),
    Defence(
        "a rotated secret ends with the overlap",
        MODULE,
        "*(stored.expiring(overlap_ends) for stored in kept)",
        "*kept",
        kept_for_ever,
        Refused,
    ),
    Defence(
        "a token is exactly of its shape",
        MODULE,
        "re.fullmatch(TOKEN_PATTERN, text)",
        "re.match(TOKEN_PATTERN, text)",
        with_a_line_break,
        Refused,
    ),
    Defence(
        "the partner has not been revoked",
        POLICY,
        '"Deny" if partner.revoked else "Allow"',
        '"Allow"',
        revoked,
        Refused,
    ),
    Defence(
        "the policy names partner routes only",
        POLICY,
        'f"{api}/{stage}/{method}/partner/*"',
        'f"{api}/{stage}/{method}/*"',
        on_another_route,
        Refused,
    ),
)
