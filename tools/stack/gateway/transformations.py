"""The mappings of a request to the integration, and of its answer to the client.

Data transformations for REST APIs:
https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-data-transformations.html
"""

from __future__ import annotations

import re
from typing import Any

from tools.stack.gateway import payloads
from tools.stack.gateway.document import JSON
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.mapping import MappingFailed
from tools.stack.gateway.refusals import Refusal

Json = dict[str, Any]
_NOT_PASSED_ON = {"host", "content-length", "connection", "transfer-encoding"}


def request(exchange: Exchange, pass_all: bool) -> tuple[Json, Json, Json, bytes]:
    """Return the headers, query string and path parameters for the integration, and its body."""
    parts: Json = {"header": {}, "querystring": {}, "path": dict(exchange.parameters["path"])}
    if pass_all:
        headers = exchange.parameters["header"].items()
        parts["header"] = {name: value for name, value in headers if name.lower() not in _NOT_PASSED_ON}
        parts["querystring"] = dict(exchange.parameters["querystring"])
    for target, source in (exchange.integration.get("requestParameters") or {}).items():
        _, _, place, name = target.split(".", 3)
        if value := exchange.value(source):
            parts[place][name] = value
    body = _body(exchange, None if pass_all else template_for(exchange))
    override = exchange.context.get("requestOverride") or {}
    for place in parts:
        parts[place] |= override.get(place) or {}
    return parts["header"], parts["querystring"], parts["path"], body


def answer(exchange: Exchange, status: int, headers: Json, body: bytes, error: str | None = None) -> Answer | Refusal:
    """Answer by the integration response whose pattern fits, or the default one.

    The pattern is asked about the status of an HTTP endpoint or service, and about a function's error message.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-settings-integration-response.html
    """
    chosen = _integration_response(exchange, str(status) if error is None else error)
    if chosen is None:
        return Refusal("API_CONFIGURATION_ERROR", "Internal server error")
    templates, handling = chosen.get("responseTemplates") or {}, chosen.get("contentHandling")
    kind_of_body = next((value for name, value in headers.items() if name.lower() == "content-type"), JSON)
    binary = payloads.is_binary(kind_of_body, exchange.api_id)
    accepted = exchange.header("accept", JSON).split(",")[0]
    kind = accepted if accepted in templates else next(iter(templates), None)
    if kind:
        text = payloads.converted(body, binary, payloads.TO_TEXT).decode(errors="replace")
        body, binary = exchange.render(templates[kind], text).encode(), False
    else:
        text = body.decode(errors="replace")
        by_accept = payloads.TO_BINARY if payloads.is_binary(accepted, exchange.api_id) else payloads.TO_TEXT
        handling = handling or by_accept
    out = {"Content-Type": kind or kind_of_body}
    for target, source in (chosen.get("responseParameters") or {}).items():
        name = target.split(".", 3)[3]
        value = exchange.value(source, (status, headers, text))
        out = {n: v for n, v in out.items() if n.lower() != name.lower()} | {name: value}
    override = exchange.context.get("responseOverride") or {}
    out |= override.get("header") or {}
    return int(override.get("status") or chosen["statusCode"]), out, payloads.converted(body, binary, handling)


def template_for(exchange: Exchange) -> str | None:
    """Return the template for the request's media type.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
    """
    templates = exchange.integration.get("requestTemplates") or {}
    kind = exchange.header("content-type", JSON).split(";")[0].strip().lower()
    return next((text for name, text in templates.items() if name.split(";")[0].strip().lower() == kind), None)


def _body(exchange: Exchange, template: str | None) -> bytes:
    binary = payloads.is_binary(exchange.header("content-type", JSON), exchange.api_id)
    handling = exchange.integration.get("contentHandling")
    body = payloads.converted(exchange.body, binary, handling)
    if template is None:
        return body
    if binary and handling != payloads.TO_TEXT:
        raise MappingFailed("a template reads a binary payload only as text: contentHandling")
    return exchange.render(template, body.decode(errors="replace")).encode()


def _integration_response(exchange: Exchange, subject: str) -> Json | None:
    responses = list((exchange.integration.get("integrationResponses") or {}).values())
    patterns = [each for each in responses if each.get("selectionPattern")]
    fitting = (each for each in patterns if re.fullmatch(each["selectionPattern"], subject, re.DOTALL))
    defaults = (each for each in responses if not each.get("selectionPattern"))
    return next(fitting, None) or next(defaults, None)
