"""A request on its way through a route of an HTTP or WebSocket API; ``integrations`` calls the back end as a method's.

Integrations: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integrations.html
"""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Any

from ministack.services import apigateway as v2

from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.refusals import Refusal

Json = dict[str, Any]
_LAMBDA_PATH = "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
_FUNCTION = "arn:aws:lambda:"


class RouteExchange(Exchange):
    """A request, or a message, on its way through a route.

    A function behind a proxy integration gets an event of the route's kind in place of a mapped body.
    """

    def __init__(self, api_id: str, stage_name: str, request: Json, owner: tuple[str, str], route: Json) -> None:
        super().__init__(api_id, stage_name, request, owner)
        self.route = route
        self.stage = {"variables": v2._get_stage_variables(api_id, stage_name)}
        stored = v2._integrations.get(api_id, {}).get(route.get("target", "").rpartition("/")[2]) or {}
        self.settings: Json = stored
        uri = stored.get("integrationUri") or ""
        if uri.startswith(_FUNCTION):
            uri = _LAMBDA_PATH.format(region=owner[1], function=uri)
        self.is_lambda_proxy = stored.get("integrationType") == "AWS_PROXY"
        integration = {
            "type": "AWS" if self.is_lambda_proxy else stored.get("integrationType", ""),
            "uri": uri,
            "httpMethod": stored.get("integrationMethod"),
            "credentials": stored.get("credentialsArn"),
            "timeoutInMillis": stored.get("timeoutInMillis"),
            "connectionType": stored.get("connectionType"),
            "requestParameters": stored.get("requestParameters"),
            "requestTemplates": stored.get("requestTemplates"),
        }
        key = route["routeKey"]
        self.found({"path": key, "id": route.get("routeId")}, {"methodIntegration": integration}, self.path_parameters)
        self.context["routeKey"] = key

    @property
    def path_parameters(self) -> Json:
        """The values of the route's path variables."""
        return {}

    @abstractmethod
    def event(self) -> Json:
        """Return the event for a function behind a proxy integration."""

    @abstractmethod
    def proxied_answer(self, payload: Any) -> Answer | None:
        """Return the answer that a function behind a proxy integration gives; ``None`` if it is malformed."""

    def mapped_request(self, pass_all: bool) -> tuple[Json, Json, Json, str]:
        """Return the function's event as the body, or what the integration's mappings make."""
        if self.is_lambda_proxy:
            return {}, {}, {}, json.dumps(self.event())
        return super().mapped_request(pass_all)

    def mapped_answer(self, status: int, headers: Json, body: str, error: str | None = None) -> Answer | Refusal:
        """Return the function's answer, or what the integration's responses make of an answer."""
        if not self.is_lambda_proxy:
            return super().mapped_answer(status, headers, body, error)
        answer = None if error else self.proxied_answer(json.loads(body))
        return answer or Refusal("DEFAULT_5XX", "Internal server error")
