"""The sandbox's function URL: `POST /charges`, `GET /charges/{key}`, `POST /charges/{key}/cancel`.

Event and answer have payload format 2.0 ("Invoking Lambda function URLs", AWS Lambda Developer Guide). A function URL
without IAM is open to the world, so the shared secret is checked before anything else is looked at.

It has no import from Storefront, as another company's service would not. Lambda's runtime has botocore.
"""

import base64
import hmac
import json
import os
import re
import time
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from botocore.config import Config
from botocore.session import get_session

from payments import clock
from payments.books import Books
from payments.provider import Reply, SandboxProvider

SECRET_SECONDS = 60

# Nothing is read from a person's AWS files, and no proxy of theirs is used.
_FILES = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
_session: Any = get_session({name: (None, None, value, None) for name, value in _FILES.items()})
_DIRECT = Config(proxies={})
_secrets_manager = _session.create_client("secretsmanager", config=_DIRECT)
_books = Books(_session.create_client("dynamodb", config=_DIRECT), os.environ["PAYMENTS_SANDBOX_TABLE"])
_provider = SandboxProvider(_books)

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_METADATA = 2000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a call to the payment provider."""
    status, body = _reply(event)
    key = event["headers"].get("idempotency-key", "")
    # Only a key from an authenticated caller is logged.
    known = status != HTTPStatus.UNAUTHORIZED and _KEY.fullmatch(key)
    _log(key if known else None, int(status), context.aws_request_id)
    return {"statusCode": int(status), "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def _log(key: str | None, status: int, request_id: str) -> None:
    line = {"level": "INFO", "message": "payments call", "timestamp": clock.to_text(clock.now())}
    print(json.dumps({**line, "function_request_id": request_id, "status": status, "idempotency_key": key}))


def _secret() -> str:
    """Return the shared secret, at most a minute old."""
    return _secret_in(int(time.monotonic() // SECRET_SECONDS))


@lru_cache(maxsize=1)
def _secret_in(_minute: int) -> str:
    return str(_secrets_manager.get_secret_value(SecretId=os.environ["PAYMENTS_SECRET_ARN"])["SecretString"])


def _reply(event: dict[str, Any]) -> Reply:
    headers = event["headers"]
    expected = f"Bearer {_secret()}"
    if not hmac.compare_digest(headers.get("authorization", "").encode(errors="replace"), expected.encode()):
        return HTTPStatus.UNAUTHORIZED, {"error": "send the shared secret as a bearer token"}
    match event["requestContext"]["http"]["method"], event["rawPath"].strip("/").split("/"):
        case "POST", ["charges"]:
            return _charge(headers.get("idempotency-key", ""), event)
        case "GET", ["charges", key] if _KEY.fullmatch(key):
            return _provider.look_up(key, clock.now())
        case "POST", ["charges", key, "cancel"] if _KEY.fullmatch(key):
            return _provider.cancel(key)
    return HTTPStatus.NOT_FOUND, {"error": "no such operation"}


def _charge(key: str, event: dict[str, Any]) -> Reply:
    body = event.get("body") or ""
    try:
        request = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
        amount = request["amount"]
        metadata = json.dumps(request.get("metadata") or {})
        valid = type(amount) is int and amount > 0 and _KEY.fullmatch(key) and len(metadata) <= _MAX_METADATA
    except (ValueError, KeyError, TypeError):
        valid = None
    if not valid:
        return HTTPStatus.BAD_REQUEST, {"error": "send an Idempotency-Key, and an amount in minor units"}
    return _provider.charge(key, amount, metadata, clock.now())
