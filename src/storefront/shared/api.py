"""The common part of all REST handlers: read a proxy event, answer it, refuse in one shape.

The shape of a refusal is that of `storefront.shared.problem`; `openapi.yaml` gives it to the gateway's own refusals
too. Event and answer: "Input format of a Lambda function for proxy integration" and "Output format of a
Lambda function for proxy integration", Amazon API Gateway Developer Guide.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.shared.errors import InvalidRequest, NotYet, Refusal, TooLarge
from storefront.shared.faults import count_fault_in, is_overload
from storefront.shared.observability import logger
from storefront.shared.problem import STATUS_OF_REFUSAL, UNEXPECTED, problem

Event = dict[str, Any]
Answer = dict[str, Any]
ProxyHandler = Callable[[Event, LambdaContext], Answer]

_RETRY_AFTER_SECONDS = "1"

MAX_BODY_CHARACTERS = 64 * 1024


def answer(status: HTTPStatus, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """Return the proxy answer with a JSON body.

    Parameters
    ----------
    status
        The HTTP status.
    body
        The value of the JSON body.
    headers
        Headers beside `Content-Type` and the cross-origin ones.
    """
    return {
        "statusCode": int(status),
        "headers": {"Content-Type": "application/json", **_common_headers(), **(headers or {})},
        "body": json.dumps(body, separators=(",", ":")),
    }


def body_of(event: Event) -> bytes:
    """Return the request's body as the bytes that were sent.

    Raises
    ------
    InvalidRequest
        The request has no body.
    TooLarge
        It is larger than any request that this API has a use for. The gateway lets 10 MB through, and its model does
        not see a body of another media type.
    """
    body = event.get("body") or ""
    if len(body) > MAX_BODY_CHARACTERS:
        raise TooLarge("The body is too large. No request of this API needs 64 KB.")
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise InvalidRequest("The body is not valid UTF-8 text. Send a JSON document encoded as UTF-8.") from error
    if not raw.strip():
        raise InvalidRequest("The body is empty. Send a JSON document.")
    return raw


def query_of(event: Event) -> Mapping[str, str]:
    """Return the query parameters; of a repeated one, the last."""
    return event.get("queryStringParameters") or {}


def header_of(event: Event, name: str) -> str | None:
    """Return a header's value whatever the case of its name (RFC 9110, section 5.1), `None` where it is missing."""
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name.lower():
            return str(value)
    return None


def request_id_of(event: Event) -> str:
    """Return the gateway's id of the request: the correlation id of everything that follows from it.

    It is for logs. Callers can choose it (`X-Amzn-RequestId`), so it identifies no write.
    """
    return str(event["requestContext"]["requestId"])


def rest_handler(function: ProxyHandler) -> ProxyHandler:
    """Make a function of an event a REST handler: correlation id in its logs, refusals as problem details.

    Any other exception is a fault of ours: it is logged with its traceback and answered with 500 and no detail of
    the inside, or with 503 and `Retry-After` where a service behind us is overloaded.
    """

    @logger.inject_lambda_context(clear_state=True)
    @wraps(function)
    def handler(event: Event, context: LambdaContext) -> Answer:
        logger.set_correlation_id(request_id_of(event))
        try:
            return function(event, context)
        except Refusal as refusal:
            logger.info("refused", extra={"refusal": type(refusal).__name__})
            return _refusal(event, refusal)
        except Exception as error:
            logger.exception("request failed")
            count_fault_in(error)
            return _unavailable(event) if is_overload(error) else _unexpected(event)

    return handler


def _refusal(event: Event, refusal: Refusal) -> Answer:
    status = STATUS_OF_REFUSAL[type(refusal)]
    # RFC 9110, section 11.6.1. REST APIs rename it to `x-amzn-remapped-www-authenticate` on the way out ("Amazon API
    # Gateway important notes", Amazon API Gateway Developer Guide); only the gateway's own 401s have it as it is.
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    if isinstance(refusal, NotYet):
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return _problem(event, status, refusal.detail, headers)


def _unavailable(event: Event) -> Answer:
    detail = "The shop is busy. Send the same request again in a moment; with the same `Idempotency-Key` it is safe."
    return _problem(event, HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": _RETRY_AFTER_SECONDS})


def _unexpected(event: Event) -> Answer:
    return _problem(event, HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED)


def _problem(event: Event, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = problem(status, detail, request_id_of(event))
    return answer(status, body, {**(headers or {}), "Content-Type": "application/problem+json"})


def _common_headers() -> dict[str, str]:
    # The gateway adds cross-origin headers to its own answers only; a proxy integration's are the function's to give.
    return {
        "Access-Control-Allow-Origin": os.environ["CORS_ALLOWED_ORIGIN"],
        "Access-Control-Expose-Headers": "ETag, Location, Retry-After",
        "Cache-Control": "no-store",
    }
