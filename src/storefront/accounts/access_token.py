"""Access tokens of the user pool, as far as they can be read without Cognito: what they say proves nothing yet."""

import base64
import json
import re
from dataclasses import dataclass

# RFC 9110, section 11.4: the scheme in any case, then spaces. RFC 7515: three parts in base64url.
_CREDENTIALS = re.compile(r"(?:(?i:bearer) +)?([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and what it says about itself.

    Parameters
    ----------
    text
        The token.
    user_id
        Its subject.
    user_name
        The name that the user pool knows its owner by.
    pool_id, client_id
        Where it was issued, and for whom.
    """

    text: str
    user_id: str
    user_name: str
    pool_id: str
    client_id: str


def parse(authorization: str) -> AccessToken | None:
    """Return the access token in the value of an `Authorization` header, `None` if it holds none."""
    credentials = _CREDENTIALS.fullmatch(authorization)
    try:
        claims = json.loads(_decoded(credentials[1].split(".")[1])) if credentials else {}
        if not credentials or claims.get("token_use") != "access":
            return None
        user_id, user_name, issuer, client_id = (claims[name] for name in ("sub", "username", "iss", "client_id"))
        pool_id = issuer.rpartition("/")[2]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return AccessToken(credentials[1], user_id, user_name, pool_id, client_id)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
