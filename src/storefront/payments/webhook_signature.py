"""Signatures of webhooks: what the payment provider signs, and how a signature is checked.

The provider sends three headers, each exactly once:

- `X-Webhook-Timestamp`: when it signed, in seconds since 1970;
- `X-Webhook-Content-SHA256`: the SHA-256 of the body's bytes, in small hexadecimal digits;
- `X-Webhook-Signature`: one signature or several, `v1=<hex>[,v1=<hex>...]`, each HMAC-SHA-256 under one secret.

Several signatures let the provider change its secret: for a while it signs with both. It signs this text,
the parts separated by line feeds, with none at the end:

    v1
    POST
    /webhooks/payments
    1795176000
    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

The path is the route as `openapi.yaml` names it: the provider knows it, whatever stage or custom domain stands before
it. The body itself is not in the text, since a Lambda authorizer never sees it; its hash is, and whoever has the body
compares the two.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

TIMESTAMP_HEADER = "X-Webhook-Timestamp"
CONTENT_HEADER = "X-Webhook-Content-SHA256"
SIGNATURE_HEADER = "X-Webhook-Signature"

TOLERANCE_SECONDS = 300
MAX_SIGNATURES = 8

_VERSION = "v1"
_TIMESTAMP = re.compile(r"[1-9][0-9]{9,10}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Signatures of a version that is not known here are passed over, so that a provider can introduce one.
_SIGNATURE = re.compile(r"v[0-9]{1,3}=[0-9a-f]{1,128}")
_MAX_SIGNATURE_CHARACTERS = MAX_SIGNATURES * len("v123=" + "0" * 128 + ",")


class NotGenuine(Exception):
    """The request does not prove that it comes from the provider; the message is for our log only."""


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The three headers, each of the shape that it must have; nothing is proved yet."""

    timestamp: int
    content_sha256: str
    signatures: tuple[str, ...]

    @classmethod
    def read(cls, headers: Mapping[str, Sequence[str]]) -> "SignedHeaders":
        """Take the three out of all headers of a request, whatever the case of their names.

        Raises
        ------
        NotGenuine
            One is missing, there twice, or has another shape.
        """
        timestamp = _matched(_TIMESTAMP, _only(headers, TIMESTAMP_HEADER), TIMESTAMP_HEADER)
        content = _matched(_SHA256, _only(headers, CONTENT_HEADER), CONTENT_HEADER)
        signatures = _signatures(_only(headers, SIGNATURE_HEADER))
        return cls(int(timestamp), content, signatures)


def check_signature(
    method: str, path: str, headers: SignedHeaders, secrets: Callable[[], Iterable[str]], now: float
) -> None:
    """Check that the provider has signed these headers for this route, just now.

    Parameters
    ----------
    method, path
        The route, as the gateway names it.
    headers
        The request's headers.
    secrets
        Returns the secrets that count: the current one and, for the time of a rotation, the one before. It is asked
        only for a request that could be genuine.
    now
        Seconds since 1970.

    Raises
    ------
    NotGenuine
        The time is too far from now, or no signature is one under any of the secrets.
    """
    if abs(now - headers.timestamp) > TOLERANCE_SECONDS:
        raise NotGenuine("signed too long ago, or in the future")
    expected = [sign(method, path, headers.timestamp, headers.content_sha256, secret) for secret in secrets()]
    # Every pair is compared, each in constant time: the time that it takes does not show which one was nearly right.
    found = [hmac.compare_digest(given, genuine) for given in headers.signatures for genuine in expected]
    if not any(found):
        raise NotGenuine("no signature under a secret that counts")


def sign(method: str, path: str, timestamp: int, content_sha256: str, secret: str) -> str:
    """Return the signature, as it stands in the header, of a request with these parts.

    Raises
    ------
    ValueError
        The secret is empty: anybody could sign with it.
    """
    if not secret:
        raise ValueError("the webhook secret is empty")
    text = "\n".join((_VERSION, method, path, str(timestamp), content_sha256))
    return f"{_VERSION}={hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def content_sha256(body: bytes) -> str:
    """Return the hash of a body as `X-Webhook-Content-SHA256` has it."""
    return hashlib.sha256(body).hexdigest()


def _only(headers: Mapping[str, Sequence[str]], name: str) -> str:
    values = [value for key, several in headers.items() if key.lower() == name.lower() for value in several]
    # With two values, one part of the system could check the first and another use the second.
    if len(values) != 1 or not isinstance(values[0], str):
        raise NotGenuine(f"{name}: there {len(values)} times")
    return values[0]


def _matched(pattern: re.Pattern[str], value: str, name: str) -> str:
    if not pattern.fullmatch(value):
        raise NotGenuine(f"{name}: not of the shape that it must have")
    return value


def _signatures(value: str) -> tuple[str, ...]:
    # The size first: what comes from anybody is not taken apart at any length.
    if len(value) > _MAX_SIGNATURE_CHARACTERS:
        raise NotGenuine(f"{SIGNATURE_HEADER}: too long")
    parts = [_matched(_SIGNATURE, part.strip(" "), SIGNATURE_HEADER) for part in value.split(",")]
    known = tuple(part for part in parts if part.startswith(f"{_VERSION}="))
    if not known or len(parts) > MAX_SIGNATURES:
        raise NotGenuine(f"{SIGNATURE_HEADER}: no signature of version {_VERSION}, or too many")
    return known
