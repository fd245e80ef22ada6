"""A message of a WebSocket client: the route it selects, the integration behind it, and whether an answer goes back.

About WebSocket APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core.arn import execute_api_route_arn
from ministack.services import apigateway as v2

from tools.stack.gateway.document import JSON
from tools.stack.gateway.exchange import Answer, dig
from tools.stack.gateway.refusals import Refusal
from tools.stack.gateway.routes import RouteExchange
from tools.stack.gateway.sockets import current

Json = dict[str, Any]
_DEFAULT = "$default"
_VARIABLE = re.compile(r"(?<!\\)\$\{?request\.body\.([\w.-]+)\}?")
_NO_ROUTE: Json = {"routeKey": "", "routeId": ""}


class Message(RouteExchange):
    """A message, or a connection's begin or end, with the context of its event."""

    request_context: Json

    @property
    def arn(self) -> str:
        """The ARN of the route."""
        account, region = self.owner
        return str(execute_api_route_arn(region, account, self.api_id, self.stage_name, self.route["routeKey"]))

    @property
    def is_two_way(self) -> bool:
        """Whether the route has a route response, without which nothing goes back to the client.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html
        """
        responses = v2._route_responses.get(self.api_id, {}).get(self.route["routeId"])
        return bool(responses and self.route.get("routeResponseSelectionExpression"))

    def event(self) -> Json:
        """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integration-requests.html."""
        event = {"requestContext": self.request_context, "body": self.text, "isBase64Encoded": False}
        if self.request_context["eventType"] == "CONNECT":
            event |= v2._ws_connect_fields(self.headers, self.query)
        return event

    def read(self, payload: Any) -> Answer | None:
        """Read status, headers and body; "the backend output is the complete payload"."""
        if not isinstance(payload, dict) or not str(payload.get("statusCode", "")).isdigit():
            return None
        return int(payload["statusCode"]), payload.get("headers") or {}, str(payload.get("body") or "").encode()

    def mappings(self) -> Json:
        """Choose the templates for the message; a response's key is $default, or a pattern between slashes.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-transformations.html and
        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integration-responses.html
        """
        stored = v2._integration_responses.get(self.api_id, {}).get(self.settings.get("integrationId"), {})
        responses = {
            each["integrationResponseKey"]: {
                "selectionPattern": each["integrationResponseKey"].removeprefix(_DEFAULT)[1:-1],
                "responseTemplates": self._chosen(each, "responseTemplates"),
                "statusCode": "200",
            }
            for each in stored.values()
        }
        if not self.is_two_way:
            responses.setdefault(_DEFAULT, {"statusCode": "200"})
        templates = self._chosen(self.settings, "requestTemplates")
        return {"requestTemplates": templates, "integrationResponses": responses}

    def _chosen(self, settings: Json, name: str) -> Json:
        """Choose one of an integration's, or a response's, templates by its expression."""
        templates = settings.get(name) or {}
        keys = (selected(settings.get("templateSelectionExpression") or _DEFAULT, self.text), _DEFAULT, JSON)
        return next(({JSON: templates[key]} for key in keys if key in templates), {})


async def answered(api_id: str, account: str, region: str, route: Json, *rest: Any, **more: Any) -> Json:
    """Return the status for the handshake, and the frame for the client, if there is one; errors always go back."""
    stage, connection_id, event_type, request_id, text, source_ip, headers = rest
    key = route["routeKey"]
    context = v2._ws_request_context(api_id, key, stage, connection_id, event_type, request_id, source_ip, headers)
    context |= {"connectedAt": current.get().connected_at, "messageDirection": "IN"}
    if event_type == "MESSAGE":
        context["messageId"] = request_id
    elif event_type == "DISCONNECT":
        context |= {"disconnectStatusCode": more["disconnect_code"], "disconnectReason": more["disconnect_reason"]}
    if more.get("authorizer") is not None:
        context["authorizer"] = more["authorizer"]
    request: Json = {"method": event_type, "path": f"/{key}", "request_id": request_id, "headers": headers}
    request |= {"query_params": more.get("query_params") or {}, "body": text.encode()}
    message = Message(api_id, stage, request, (account, region), route)
    message.request_context = context
    message.context |= context
    answer = Refusal("", "Forbidden") if route is _NO_ROUTE else await message.answered()
    if isinstance(answer, Refusal):
        error = {"message": answer.message, "connectionId": connection_id, "requestId": request_id}
        answer = (500, {}, json.dumps(error).encode())
    elif not message.is_two_way:
        answer = (*answer[:2], b"")
    if event_type == "CONNECT":
        protocols = (value for name, value in answer[1].items() if name.lower() == "sec-websocket-protocol")
        current.get().handshake = {"status": answer[0], "subprotocol": next(protocols, None)}
    return {"statusCode": answer[0], "body": answer[2].decode()}


def matched(match_route: Callable[[str, str], Json | None]) -> Callable[[str, str], Json | None]:
    """Find a message's route, or $default; without both it is refused. $default takes no connection's begin or end.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-routes-integrations.html
    """

    def match(api_id: str, key: str) -> Json | None:
        route = match_route(api_id, key)
        if key in {"$connect", "$disconnect"}:
            return route if route and route["routeKey"] == key else None
        return route or _NO_ROUTE

    return match


def selected(expression: str, text: str) -> str:
    r"""Evaluate a selection expression on a message; where it names something that is not there, it is $default.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-selection-expressions.html
    """
    try:
        body = json.loads(text or "null")
    except ValueError:
        body = None
    values = {path: dig(body, path, None) for path in _VARIABLE.findall(expression)}
    if None in values.values():
        return _DEFAULT
    as_text = {path: value if isinstance(value, str) else json.dumps(value) for path, value in values.items()}
    return _VARIABLE.sub(lambda match: as_text[match[1]], expression).replace("\\$", "$")
