"""Credentials of the functions' roles that nobody can work out.

The emulator derives them from the names of function and role, so any page could; here a secret of this process goes in.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import sts

_SECRET = secrets.token_bytes(32)
_KEY_LENGTH = 16
_lock = threading.Lock()


def unpredictable(execution_credentials: Callable[[dict[str, Any]], dict[str, str]]) -> Callable[..., dict[str, str]]:
    """Register the same session of the role under credentials of this process."""

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        with _lock:
            derived = execution_credentials(config)
            session = sts._sessions.pop(derived["AWS_ACCESS_KEY_ID"])
        key = f"ASIA{_keyed('key', derived)[:_KEY_LENGTH].upper()}"
        secret, token = _keyed("secret", derived), _keyed("token", derived)
        sts.register_session(key, session | {"SecretAccessKey": secret, "SessionToken": token})
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    return credentials


def _keyed(purpose: str, derived: dict[str, str]) -> str:
    return hmac.digest(_SECRET, f"{purpose}:{derived['AWS_ACCESS_KEY_ID']}".encode(), "sha256").hex()
