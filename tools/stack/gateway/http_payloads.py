"""The two payload formats between an HTTP API and its functions.

Lambda proxy integrations: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway as v2
from ministack.services import apigateway_v1 as v1

from tools.stack.gateway.exchange import Answer

if TYPE_CHECKING:
    from tools.stack.gateway.http_api import Request

Json = dict[str, Any]
_OLD = "1.0"
_JSON = {"Content-Type": "application/json"}


def event(request: Request, version: str) -> Json:
    """Return the event of a format; a stage with a name is the first part of its paths."""
    path = request.path if request.stage_name == "$default" else f"/{request.stage_name}{request.path}"
    made = _event_1(request, path) if version == _OLD else _event_2(request, path)
    if request.body and not v2._v2_request_body_is_text(request.headers.get("content-type")):
        made |= {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
    return made


def answer(payload: Any, version: str) -> Answer | None:
    """Return a function's answer, ``None`` if it is malformed; in format 2.0 a payload without a status is a body."""
    if not isinstance(payload, dict) or "statusCode" not in payload:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        return None if version == _OLD else (200, dict(_JSON), text.encode())
    status, body = str(payload["statusCode"]), payload.get("body") or ""
    if not status.isdigit() or not isinstance(body, str):
        return None
    given = (payload.get("headers") or {}) | ((payload.get("multiValueHeaders") or {}) if version == _OLD else {})
    if version != _OLD and payload.get("cookies"):
        given["Set-Cookie"] = payload["cookies"]
    default = {} if "content-type" in map(str.lower, given) else dict(_JSON)
    return int(status), default | given, base64.b64decode(body) if payload.get("isBase64Encoded") else body.encode()


def _event_1(request: Request, path: str) -> Json:
    resource = {"path": request.path_pattern or path, "id": None}
    made: Json = v1._build_lambda_event_v1(
        *(request.api_id, request.stage_name, request.stage, resource, path, request.verb),
        *(request.headers, request.body, request.query, request.path_parameters),
        caller_identity=(request.authorized_by or {}).get("iam"),
    )
    by = request.authorized_by or {}
    made["requestContext"] |= {"path": path, "authorizer": by.get("jwt") or by.get("lambda")}
    return made


def _event_2(request: Request, path: str) -> Json:
    context = request.context
    made: Json = {
        "version": "2.0",
        "routeKey": request.route["routeKey"],
        "rawPath": path,
        "rawQueryString": v2._raw_query_string(request.query, request.raw_query),
        "headers": request.headers,
        "requestContext": {
            **{name: context[name] for name in ("accountId", "apiId", "domainName", "requestId", "routeKey", "stage")},
            "domainPrefix": request.api_id,
            "http": {
                "method": request.verb,
                "path": path,
                "protocol": "HTTP/1.1",
                **{name: context["identity"][name] for name in ("sourceIp", "userAgent")},
            },
            "time": context["requestTime"],
            "timeEpoch": context["requestTimeEpoch"],
        },
        "isBase64Encoded": False,
    }
    if request.authorized_by:
        made["requestContext"]["authorizer"] = request.authorized_by
    cookie = request.headers.get("cookie")
    optional = {
        "cookies": cookie.split("; ") if cookie else None,
        "queryStringParameters": {name: ",".join(values) for name, values in request.query.items()},
        "pathParameters": request.path_parameters,
        "stageVariables": request.variables,
        "body": request.text,
    }
    return made | {name: value for name, value in optional.items() if value}
