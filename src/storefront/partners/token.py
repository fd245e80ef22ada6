"""Partner tokens: how they are made, what is kept of them, and when one is good.

A token is `sfp_<id>_<secret>`: the prefix lets secret scanners find one that leaked, the id finds the partner, the
secret proves the holder. The store keeps its HMAC-SHA-256 under a random key of its own. A secret has 256 random
bits, so there is nothing to guess: neither a slow hash nor a pepper kept elsewhere would add anything
(docs/decisions.md).
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass, field, replace
from datetime import datetime

PARTNER_ID_PATTERN = r"[a-z0-9]{8,16}"
TOKEN_PATTERN = rf"sfp_({PARTNER_ID_PATTERN})_([A-Za-z0-9]{{43}})"

# 62 ** 43 is a little more than 2 ** 256.
_SECRET_CHARACTERS = string.ascii_letters + string.digits
_SECRET_LENGTH = 43
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PartnerToken:
    """A token's parts. Whether it is good, only the partner's record tells."""

    partner_id: str
    secret: str = field(repr=False)

    def to_text(self) -> str:
        """Return the token as partners send it."""
        return f"sfp_{self.partner_id}_{self.secret}"


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """The stored form of a secret.

    Parameters
    ----------
    key, hash
        The secret's HMAC-SHA-256 under a key of its own.
    expires_at
        The time of expiry; `None` until another secret replaces it.
    """

    key: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    expires_at: datetime | None = None

    @classmethod
    def of(cls, secret: str) -> "StoredSecret":
        """Return what is kept of a secret."""
        key = secrets.token_bytes(_KEY_BYTES)
        return cls(key, _hash(key, secret))

    def matches(self, secret: str, now: datetime) -> bool:
        """Tell whether a secret is the one that was stored, and still good."""
        # In constant time: how long it takes does not tell how much of a guess is right.
        same = hmac.compare_digest(self.hash, _hash(self.key, secret))
        return same and (self.expires_at is None or now < self.expires_at)

    def expiring(self, at: datetime) -> "StoredSecret":
        """Return this secret with its end at `at`, or earlier where it ends earlier."""
        return replace(self, expires_at=min(at, self.expires_at or at))


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner, as the authorizer knows them.

    Parameters
    ----------
    plan
        The name of their usage plan.
    api_key
        The value of their API key: it ties their requests to the usage plan, and proves nothing.
    secrets
        Those that were issued; with rotation, two of them are good for a while.
    revoked
        Nothing of theirs is good any more.
    """

    id: str
    plan: str
    api_key: str = field(repr=False)
    secrets: tuple[StoredSecret, ...]
    revoked: bool = False

    def owns(self, token: PartnerToken, now: datetime) -> bool:
        """Tell whether a token is one of this partner's, and still good."""
        return token.partner_id == self.id and any(stored.matches(token.secret, now) for stored in self.secrets)

    def rotated(self, replacement: StoredSecret, overlap_ends: datetime, now: datetime) -> "Partner":
        """Return the partner with one more secret; those before it are good until the overlap ends."""
        kept = [stored for stored in self.secrets if stored.expires_at is None or now < stored.expires_at]
        return replace(self, secrets=(*(stored.expiring(overlap_ends) for stored in kept), replacement))


def issue(partner_id: str) -> tuple[PartnerToken, StoredSecret]:
    """Make a token; return it, to be shown once, and what is kept of it."""
    secret = "".join(secrets.choice(_SECRET_CHARACTERS) for _ in range(_SECRET_LENGTH))
    return PartnerToken(partner_id, secret), StoredSecret.of(secret)


def parse(text: str) -> PartnerToken | None:
    """Return the token that a text is, from its first character to its last; `None` where it is none."""
    match = re.fullmatch(TOKEN_PATTERN, text)
    return PartnerToken(match[1], match[2]) if match else None


def _hash(key: bytes, secret: str) -> bytes:
    return hmac.digest(key, secret.encode(), hashlib.sha256)
