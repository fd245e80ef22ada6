"""A request through an HTTP API: stage, route, authorizer and function, with CORS around all of it.

Working with HTTP APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core import responses
from ministack.core.arn import execute_api_arn, execute_api_route_arn
from ministack.services import apigateway as v2

from tools.stack.gateway import http_payloads
from tools.stack.gateway.exchange import Answer
from tools.stack.gateway.refusals import Refusal
from tools.stack.gateway.routes import RouteExchange

Json = dict[str, Any]
# Quotas: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
_LARGEST_BODY = 10 * 1024 * 1024
_OPEN: Json = {"routeKey": "$default"}
_GREEDY = re.compile(r"\{[^}]+\+\}")


class Request(RouteExchange):
    """A request on its way through a route; the authorizer's answer is ``authorized_by``, as format 2.0 has it."""

    authorized_by: Json | None = None
    raw_query: str | None = None

    @property
    def path_pattern(self) -> str:
        """The path in the route's key; the route $default has none."""
        return str(self.route["routeKey"]).partition(" ")[2]

    @property
    def path_parameters(self) -> Json:
        """The values of the route's path variables."""
        return v2._extract_path_params(self.path_pattern, _with_one_slash(self.path)) or {}

    @property
    def arn(self) -> str:
        """The ARN of the route, for this method."""
        account, region = self.owner
        if not self.path_pattern:
            return str(execute_api_route_arn(region, account, self.api_id, self.stage_name, self.route["routeKey"]))
        return str(execute_api_arn(region, account, self.api_id, self.stage_name, self.verb, self.path_pattern))

    def event(self) -> Json:
        """Return the event in the integration's payload format."""
        return http_payloads.event(self, self.settings["payloadFormatVersion"])

    def read(self, payload: Any) -> Answer | None:
        """Read the answer in that format."""
        return http_payloads.answer(payload, self.settings["payloadFormatVersion"])


def calling_functions(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """Answer the requests whose routes call functions, and all preflight requests; the emulator calls HTTP endpoints.

    CORS: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
    """

    async def handle_request(*arguments: Any) -> Answer:
        headers = {name.lower(): value for name, value in arguments[4].items()}
        cors, origin = (v2._apis.get(arguments[0]) or {}).get("corsConfiguration"), headers.get("origin", "")
        asks = bool(cors and origin and arguments[3] == "OPTIONS" and "access-control-request-method" in headers)
        status, given, body = await _routed(asks, headers, *arguments) or await handle(*arguments)
        if cors:
            given = {name: value for name, value in given.items() if not name.lower().startswith("access-control-")}
            given |= _cors_headers(cors, origin, asks)
        return status, given, body

    return handle_request


def by_any_greedy_name(specificity: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """Rank a greedy path variable of any name behind full matches; the emulator knows {proxy+}."""
    return lambda method, path: specificity(method, _GREEDY.sub("{proxy+}", path))


async def _routed(preflight: bool, headers: Json, api_id: str, stage: str, *rest: Any) -> Answer | None:
    """Find the route, ask its authorizer and call its function; return ``None`` for a route without a function.

    A preflight request ends at the authorizer: "The $default route catches requests for all methods".
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """
    path, method, _, body, query, account, region, raw_query = rest
    route = v2._match_route(api_id, method, _with_one_slash(path))
    if stage not in v2._stages.get(api_id, {}) or (route is None and not preflight):
        return _message(404, "Not Found")
    if len(body or b"") > _LARGEST_BODY:
        return _message(413, "Request Entity Too Large")
    request = {"method": method, "path": path, "headers": headers, "query_params": query or {}, "body": body}
    exchange = Request(api_id, stage, request | {"request_id": responses.new_uuid()}, (account, region), route or _OPEN)
    exchange.raw_query = raw_query
    if not exchange.is_for_a_function and not preflight:
        return None
    refused = await _refused(exchange)
    return refused or ((204, {}, b"") if preflight else await _called(exchange))


async def _called(request: Request) -> Answer:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html."""
    answer = await request.answered()
    if not isinstance(answer, Refusal):
        return answer
    late = answer.response_type == "INTEGRATION_TIMEOUT"
    return _message(503, "Service Unavailable") if late else _message(500, "Internal Server Error")


async def _refused(request: Request) -> Answer | None:
    """Have the emulator ask the route's authorizer, and note what it says of the caller.

    JWT: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """
    route, headers, query = request.route, request.headers, request.query
    kind = (route.get("authorizationType") or "NONE").upper()
    refused: Answer | None = None
    if kind == "JWT":
        authorizer = v2._authorizers.get(request.api_id, {}).get(route.get("authorizerId")) or {}
        claims, scopes, refused = await v2._validate_jwt_authorizer(route, authorizer, headers, query)
        as_text = {name: v2._jwt_claim_to_string(value) for name, value in (claims or {}).items()}
        request.authorized_by = {"jwt": {"claims": as_text, "scopes": scopes}}
    elif kind == "AWS_IAM":
        if "authorization" not in headers:
            return _message(403, "Forbidden")
        request.authorized_by = {"iam": v2._iam_caller_identity_v2(headers, query)}
    elif kind == "CUSTOM":
        refused, context = await v2._authorize_request_v2(
            *(request.api_id, request.stage_name, route, request.verb, request.path),
            *(request.path_pattern or request.path, headers, query, request.path_parameters, request.variables),
            *(*request.owner, request.raw_query),
        )
        request.authorized_by = {"lambda": context}
    return refused


def _cors_headers(cors: Json, origin: str, preflight: bool) -> Json:
    """Return the headers for an allowed origin; "https://*" allows all that begin with it."""
    allowed = {each.lower() for each in cors.get("allowOrigins") or []}
    if not origin or not allowed & {"*", origin.lower(), f"{origin.partition('://')[0].lower()}://*"}:
        return {}
    narrowed = cors | {"allowOrigins": ["*"] if "*" in allowed else [origin]}
    headers: Json = v2._cors_response_headers(narrowed, origin)
    return headers | (v2._cors_preflight_response(narrowed, origin)[1] if preflight else {})


def _with_one_slash(path: str) -> str:
    return "/" + path.lstrip("/")


def _message(status: int, text: str) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": text}).encode()
