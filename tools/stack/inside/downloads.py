"""Where a function's code and a layer can be downloaded: an address that only those know who may ask for it.

On AWS it is presigned ("Code", FunctionCodeLocation, AWS Lambda API Reference:
https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html); the emulator's anybody could guess.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

_SECRET = secrets.token_bytes(32)
_PLACES = ("/_ministack/lambda-code/", "/_ministack/lambda-layers/")


def signed(address_of: Callable[..., str]) -> Callable[..., str]:
    """Give each address a signature of its path."""

    def signed_address(*arguments: Any, **options: Any) -> str:
        address = urlsplit(address_of(*arguments, **options))
        return address._replace(query=_signature(address.path)).geturl()

    return signed_address


def is_signed(path: str, query: str) -> bool:
    """Whether a request is for a download, by an address that was given out."""
    return path.startswith(_PLACES) and hmac.compare_digest(query, _signature(path))


def _signature(path: str) -> str:
    return f"signature={hmac.digest(_SECRET, path.encode(), 'sha256').hex()}"
