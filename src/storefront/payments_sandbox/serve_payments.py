"""The sandbox's function URL: `POST /charges`, `GET /charges/{key}`, `POST /charges/{key}/cancel`.

Event and answer have payload format 2.0 ("Invoking Lambda function URLs", AWS Lambda Developer Guide). A function URL
without IAM is open to the world, so the shared secret is checked before anything else is looked at.
"""

import base64
import hmac
import json
import os
import re
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.payments_sandbox.books import Books
from storefront.payments_sandbox.provider import Reply, SandboxProvider
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.configuration import secret
from storefront.shared.observability import logger

_secret = secret("PAYMENTS_SECRET_ARN")
_provider = SandboxProvider(Books(client("dynamodb"), os.environ["PAYMENTS_SANDBOX_TABLE"]))

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_METADATA = 2000


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a call to the payment provider."""
    status, body = _reply(event)
    key = event["headers"].get("idempotency-key")
    logger.info("payments call", extra={"status": int(status), "idempotency_key": key})
    return {"statusCode": int(status), "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def _reply(event: dict[str, Any]) -> Reply:
    headers = event["headers"]
    expected = f"Bearer {_secret()}"
    if not hmac.compare_digest(headers.get("authorization", "").encode(), expected.encode()):
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
