"""Only an ID token of this shop's client makes its caller a customer."""

import ast
from typing import Any

import pytest

from storefront.identity import ChatUser, Customer, chat_user_of, customer_of, partner_id_of
from storefront.shared.errors import Unauthenticated
from tools.testing.source import SOURCE

CLAIMS = {"sub": "the-customer", "token_use": "id", "aud": "the-client"}


def event(**context: Any) -> dict[str, Any]:
    return {"requestContext": {"requestId": "request", **context}}


def without(name: str) -> dict[str, str]:
    return {claim: value for claim, value in CLAIMS.items() if claim != name}


def test_an_id_token_of_this_client_makes_a_customer() -> None:
    assert customer_of(event(authorizer={"claims": CLAIMS}), "the-client") == Customer("the-customer")


@pytest.mark.parametrize(
    ("claim", "groups"),
    [
        (None, set()),
        ("", set()),
        ("[]", set()),
        ("customers", {"customers"}),
        ("customers,support", {"customers", "support"}),
        ("[customers]", {"customers"}),
        ("[customers support]", {"customers", "support"}),
        ("no-support", {"no-support"}),
        ("[XL XS]", {"XL", "XS"}),
    ],
)
def test_groups_are_read_as_aws_and_as_the_emulator_write_them(claim: str | None, groups: set[str]) -> None:
    claims = CLAIMS if claim is None else CLAIMS | {"cognito:groups": claim}

    assert customer_of(event(authorizer={"claims": claims}), "the-client").groups == groups


@pytest.mark.parametrize(
    ("claim", "name"),
    [
        (None, "Customer"),
        ("", "Customer"),
        (" \t ", "Customer"),
        ("\x1b\u202e\x00", "Customer"),
        ("Ada Customer", "Ada Customer"),
        ("Åsa Ødegård", "Åsa Ødegård"),
        ("  Ada \n\n Customer ", "Ada Customer"),
        ("Ada\x1b[2J", "Ada [2J"),
        ("Ada\u202egnp", "Ada gnp"),
        ("A" * 100, "A" * 64),
        ("A" * 63 + " B", "A" * 63),
    ],
)
def test_a_name_is_shown_in_one_line_and_obeyed_by_no_terminal(claim: str | None, name: str) -> None:
    claims = CLAIMS if claim is None else CLAIMS | {"name": claim}

    assert customer_of(event(authorizer={"claims": claims}), "the-client").name == name


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="no authorizer ran"),
        pytest.param({"authorizer": None}, id="no authorizer"),
        pytest.param({"authorizer": {"principalId": "user"}}, id="an authorizer without claims"),
        pytest.param({"authorizer": {"claims": None}}, id="empty claims"),
        pytest.param(
            {"authorizer": {"claims": {"sub": "the-customer", "token_use": "access", "client_id": "the-client"}}},
            id="an access token",
        ),
        pytest.param({"authorizer": {"claims": CLAIMS | {"token_use": "access"}}}, id="an access token with audience"),
        pytest.param({"authorizer": {"claims": CLAIMS | {"aud": "other-client"}}}, id="another client's token"),
        pytest.param({"authorizer": {"claims": CLAIMS | {"sub": ""}}}, id="an empty subject"),
        *(pytest.param({"authorizer": {"claims": without(claim)}}, id=f"no {claim}") for claim in CLAIMS),
    ],
)
def test_anything_else_is_nobody(context: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match="ID token"):
        customer_of(event(**context), "the-client")


def test_what_the_caller_sends_is_no_identity() -> None:
    forged = event() | {"headers": {"Authorization": "x", "sub": "the-customer"}, "claims": CLAIMS}

    with pytest.raises(Unauthenticated):
        customer_of(forged, "the-client")


def test_no_other_module_reads_what_an_authorizer_has_found_out() -> None:
    found = {
        str(path.relative_to(SOURCE / "storefront"))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value == "authorizer"
    }

    # The webhook's hash is nobody's identity, and a probe's event is made up.
    assert found == {"identity.py", "payments/receive_payment_event.py", "rollout/probes.py"}


def test_a_user_of_the_chat_is_whom_the_ticket_named() -> None:
    context = {"customerId": "the-customer", "name": "Zo%C3%AB 100%25" + "A" * 100, "group": "support"}

    assert chat_user_of(event(authorizer=context)) == ChatUser("the-customer", "Zoë 100%" + "A" * 56, "support")


def test_a_partner_is_whom_the_authorizer_named() -> None:
    assert partner_id_of(event(authorizer={"partnerId": "acme00000001"})) == "acme00000001"


@pytest.mark.parametrize("authorizer", [None, {}, {"partnerId": None}, {"partnerId": ""}, {"partnerId": 5}])
def test_without_the_authorizer_nobody_is_a_partner(authorizer: Any) -> None:
    with pytest.raises(Unauthenticated, match="Authorization: Bearer sfp_"):
        partner_id_of(event(authorizer=authorizer))
