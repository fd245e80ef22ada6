"""Attacks on the identity that the Cognito authorizer has let through."""

from types import ModuleType
from typing import Any

from storefront.shared.errors import Unauthenticated
from tests.defences.defence import Defence
from tools.testing.events import rest_event

MODULE = "storefront.identity"


def customer(module: ModuleType, **claims: Any) -> object:
    event = rest_event(customer="customer")
    event["requestContext"]["authorizer"]["claims"] |= claims
    return module.customer_of(event, "the-client")


def access_token(module: ModuleType) -> object:
    return customer(module, token_use="access")


def of_another_client(module: ModuleType) -> object:
    return customer(module, aud="another-client")


def of_nobody(module: ModuleType) -> object:
    return customer(module, sub="")


DEFENCES = (
    Defence(
        "the token is an ID token",
        MODULE,
        'claims.get("token_use") != "id" or ',
        "",
        access_token,
        Unauthenticated,
    ),
    Defence(
        "the token was issued for this client",
        MODULE,
        'claims.get("aud") != client_id or ',
        "",
        of_another_client,
        Unauthenticated,
    ),
    Defence(
        "the token names somebody",
        MODULE,
        ' or not claims.get("sub")',
        "",
        of_nobody,
        Unauthenticated,
    ),
)
