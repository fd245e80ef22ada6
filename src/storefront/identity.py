"""The caller's identity: the one place where an identity is taken from a request, a frame or a message."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from storefront.shared.errors import Unauthenticated
from storefront.shared.queue import MalformedMessage, attribute_of
from storefront.shared.text import cleaned, is_visible, normalized

_MAX_NAME = 64
_NAMELESS = "Customer"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who has signed in.

    Parameters
    ----------
    id
        The subject of their ID token: a UUID that never changes.
    groups
        The user pool's groups that they are in.
    name
        The name that other people see. It is the customer's own word, and identifies nobody.
    """

    id: str
    groups: frozenset[str] = frozenset()
    name: str = _NAMELESS


@dataclass(frozen=True, slots=True)
class ChatUser:
    """Somebody with a connection to the chat.

    Parameters
    ----------
    id
        The customer's id.
    name
        The name that others in the chat see.
    group
        `support` or `customer`.
    """

    id: str
    name: str
    group: str


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
    return Customer(id=claims["sub"], groups=_groups(claims), name=_name(claims))


def partner_id_of(event: dict[str, Any]) -> str:
    """Return the partner whom the TOKEN authorizer let through.

    Raises
    ------
    Unauthenticated
        The request did not come through the authorizer.
    """
    partner_id = (event["requestContext"].get("authorizer") or {}).get("partnerId")
    if not isinstance(partner_id, str) or not partner_id:
        raise Unauthenticated("Send your partner token: `Authorization: Bearer sfp_...`.")
    return partner_id


def partner_id_of_message(record: dict[str, Any]) -> str:
    """Return the partner whom the gateway has named beside the body of a queue's message, whatever the body says.

    Raises
    ------
    MalformedMessage
        The gateway has named none: it did not send this.
    """
    partner_id = attribute_of(record, "partnerId")
    if not partner_id:
        raise MalformedMessage("a message that does not say which partner it is from")
    return partner_id


def chat_user_of(event: dict[str, Any]) -> ChatUser:
    """Return the user whom the authorizer of `$connect` let through.

    The ticket fixes them for as long as the connection lasts: the gateway hands the authorizer's answer to every event
    of the connection, so no event costs a read to find out who sent it.
    """
    context = event["requestContext"]["authorizer"]
    # The authorizer has written the name in ASCII. With the longest text and name, a message still fits into a frame.
    return ChatUser(context["customerId"], unquote(context["name"])[:_MAX_NAME], context["group"])


def customer_id_of(partner_id: str) -> str:
    """Return the customer that a partner's orders belong to; no subject of a token has a slash in it."""
    return f"partner/{partner_id}"


def _groups(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the groups: API Gateway writes the token's list as `a,b`, the local emulator as `[a b]`."""
    text = str(claims.get("cognito:groups") or "")
    return frozenset(re.split(r"[,\s]+", text.strip("[] "))) - {""}


def _name(claims: Mapping[str, Any]) -> str:
    """Return the name, in one line and without what a terminal or a page would obey instead of showing it."""
    text = " ".join(cleaned(normalized(str(claims.get("name") or ""))).split())[:_MAX_NAME]
    # Again: the cut may have parted a joiner from what it joins.
    text = cleaned(text).strip()
    return text if is_visible(text) else _NAMELESS
