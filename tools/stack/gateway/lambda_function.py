"""Lambda behind a method: as a proxy, with the request as its event, or with what the templates make of both ways.

Lambda integrations: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integrations.html
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ministack.services import apigateway_v1 as v1

from tools.stack.gateway import payloads, permissions, transformations
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.refusals import Refusal, bad_gateway

Json = dict[str, Any]
_ANSWER_PARTS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_RENAMED = {
    name: f"x-amzn-Remapped-{name.title()}"
    for name in ("authorization", "connection", "date", "host", "server", "www-authenticate", "user-agent")
}
_background: set[asyncio.Task[Any]] = set()


async def proxied(exchange: Exchange, uri: str) -> Answer | Refusal:
    """Call a function with the request as its event; its answer says status, headers and body.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    event = v1._build_lambda_event_v1(
        *(exchange.api_id, exchange.stage_name, exchange.stage, exchange.resource, exchange.path, exchange.verb),
        *(exchange.headers, exchange.body, exchange.query, exchange.parameters["path"]),
        binary_media_types=(v1._rest_apis.get(exchange.api_id) or {}).get("binaryMediaTypes"),
        authorizer_context=exchange.authorizer,
        caller_identity=exchange.caller,
    )
    del event["version"]  # of HTTP APIs' events only
    context = exchange.context
    event["requestContext"] |= {"requestId": context["requestId"], "extendedRequestId": context["extendedRequestId"]}
    result = await _invoke(exchange, _allowed(exchange, uri), event)
    return bad_gateway() if result.get("error") else _as_answer(exchange, result)


async def mapped(exchange: Exchange, uri: str) -> Answer | Refusal:
    """Call a function with what the request's template makes; a pattern finds the response by its error message.

    With the header X-Amz-Invocation-Type: Event it is called and not waited for:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-custom-integrations.html
    """
    headers, *_, body = transformations.request(exchange, False)
    try:
        event = json.loads(body or "{}")
    except ValueError as error:
        return Refusal("BAD_REQUEST_BODY", f"Could not parse request body into json: {error}")
    function = _allowed(exchange, uri)
    if any(name.lower() == "x-amz-invocation-type" and value == "Event" for name, value in headers.items()):
        task = asyncio.create_task(_invoke(exchange, function, event))
        _background.add(task)
        task.add_done_callback(_background.discard)
        return transformations.answer(exchange, 200, {}, b"", "")
    result = await _invoke(exchange, function, event)
    if result.get("throttle"):
        return Refusal("INTEGRATION_FAILURE", "Internal server error")
    payload = result.get("body")
    message = payload.get("errorMessage", "") if isinstance(payload, dict) and result.get("error") else ""
    return transformations.answer(exchange, 200, {}, json.dumps(payload).encode(), str(message))


def _allowed(exchange: Exchange, uri: str) -> str:
    """Return the function's ARN; this method of this stage, or the integration's role, must be allowed to invoke it."""
    function: str = v1._extract_lambda_ref_from_integration_uri(uri)
    permissions.check_invocation(function, exchange.arn, exchange.integration.get("credentials"))
    return function


async def _invoke(exchange: Exchange, function: str, event: Json) -> Json:
    account, region = exchange.owner
    result, missing = await v1._call_lambda_raw(function, event, account_id=account, region=region)
    if missing:
        raise permissions.NotAllowed(missing)
    answer: Json = result
    return answer


def _as_answer(exchange: Exchange, result: Json) -> Answer | Refusal:
    payload = result.get("body")
    if not result.get("throttle") and (not isinstance(payload, dict) or payload.keys() - _ANSWER_PARTS):
        return bad_gateway()
    answer, failed = v1._lambda_proxy_response(result)
    status, body = str((answer or {}).get("statusCode", 200)), (answer or {}).get("body")
    if failed or not status.isdigit() or not isinstance(body, str | None):
        return bad_gateway()
    return int(status), _headers(answer), _bytes(exchange, answer)


def _headers(answer: Json) -> Json:
    """Both kinds of headers in one: of a name in both, those with several values count."""
    headers: Json = {"Content-Type": "application/json"}
    singles = {name: str(value) for name, value in (answer.get("headers") or {}).items() if value is not None}
    several = {name: list(values) for name, values in (answer.get("multiValueHeaders") or {}).items() if values}
    for name, value in [*singles.items(), *several.items()]:
        headers = {own: kept for own, kept in headers.items() if own.lower() != name.lower()}
        headers[_RENAMED.get(name.lower(), name)] = value
    return headers


def _bytes(exchange: Exchange, answer: Json) -> bytes:
    """Return the body as binary data, if the client asks for some.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html
    """
    wanted = answer.get("isBase64Encoded") and payloads.is_binary(exchange.header("accept"), exchange.api_id)
    return payloads.converted((answer.get("body") or "").encode(), False, payloads.TO_BINARY if wanted else None)
