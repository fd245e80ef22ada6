"""Who is calling: the one place where an identity is taken from a request."""

from dataclasses import dataclass
from typing import Any

from storefront.shared.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Customer:
    """A signed-in customer, by the subject of their ID token (a UUID that never changes)."""

    id: str


def customer_of(event: dict[str, Any], client_id: str) -> Customer:
    """Return the customer whom the Cognito authorizer let through.

    On a method without scopes the authorizer takes the ID tokens of *every* client of the pool, and the local
    emulator takes access tokens as well; so what kind of token it is and for whom it was issued is checked again here
    ("Verifying JSON web tokens", Amazon Cognito Developer Guide).

    Parameters
    ----------
    event
        A REST proxy event.
    client_id
        The user pool client whose tokens this API takes.

    Raises
    ------
    Unauthenticated
        There are no claims, or they are not those of an ID token for this client.
    """
    claims = (event["requestContext"].get("authorizer") or {}).get("claims") or {}
    if claims.get("token_use") != "id" or claims.get("aud") != client_id or not claims.get("sub"):
        raise Unauthenticated(
            "Sign in, and send the ID token (not the access token) of this shop's client in the `Authorization` header."
        )
    return Customer(id=claims["sub"])
