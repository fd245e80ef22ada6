"""A request on its way through a route of an HTTP or WebSocket API, whose integration is called like a method's.

Integrations: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integrations.html
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import apigateway as v2

from tools.stack.gateway import integrations, permissions
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.refusals import Refusal

Json = dict[str, Any]
_LAMBDA_PATH = "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
_FAILED = 500
# A proxy integration, said as one with mappings: the event is the body, and an error has a status of its own.
_PASSED_THROUGH = {
    "success": {"statusCode": "200"},
    "error": {"selectionPattern": ".+", "statusCode": str(_FAILED)},
}


class RouteExchange(Exchange):
    """A request, or a message, and the route and integration that it is for."""

    def __init__(self, api_id: str, stage_name: str, request: Json, owner: tuple[str, str], route: Json) -> None:
        super().__init__(api_id, stage_name, request, owner)
        self.route = route
        self.stage = {"variables": v2._get_stage_variables(api_id, stage_name)}
        integration = route.get("target", "").rpartition("/")[2]
        self.settings: Json = v2._integrations.get(api_id, {}).get(integration) or {}
        self.context["routeKey"] = route["routeKey"]

    @property
    def is_for_a_function(self) -> bool:
        """Whether the integration is a proxy for a function, which gets the request as its event."""
        return self.settings.get("integrationType") == "AWS_PROXY"

    @abstractmethod
    def event(self) -> Json:
        """Return the event for the function of a proxy integration."""

    @abstractmethod
    def read(self, payload: Any) -> Answer | None:
        """Read the answer of that function; ``None`` stands for a malformed one."""

    def mappings(self) -> Json:
        """Return ``requestTemplates`` and ``integrationResponses`` as a method's integration has them."""
        return {}

    async def answered(self) -> Answer | Refusal:
        """Call the back end and return its answer."""
        settings, uri = self.settings, self.settings.get("integrationUri") or ""
        if uri.startswith("arn:aws:lambda:"):
            uri = _LAMBDA_PATH.format(region=self.owner[1], function=uri)
        kept = ("timeoutInMillis", "connectionType", "requestParameters")
        integration = {name: settings.get(name) for name in kept} | {
            "type": "AWS" if self.is_for_a_function else settings.get("integrationType", ""),
            "uri": uri,
            "httpMethod": settings.get("integrationMethod"),
            "credentials": settings.get("credentialsArn"),
        }
        resource = {"path": self.route["routeKey"], "id": self.route.get("routeId")}
        if not self.is_for_a_function:
            self.found(resource, {"methodIntegration": integration | self.mappings()}, {})
            return await integrations.answer(self)
        self.body = json.dumps(self.event()).encode()
        passed_through = {"integrationResponses": _PASSED_THROUGH, "requestParameters": {}}
        self.found(resource, {"methodIntegration": integration | passed_through}, {})
        answer = await integrations.answer(self)
        if isinstance(answer, Refusal):
            return answer
        read = None if answer[0] == _FAILED else self.read(json.loads(answer[2]))
        return read or Refusal("DEFAULT_5XX", "Internal server error")


def if_allowed(invoke: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Call a Lambda authorizer if API Gateway may; without its answer the emulator answers 500.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
    """

    async def invoke_authorizer(authorizer: Json, event: Json, account: str, region: str) -> Any:
        api = (event.get("routeArn") or event["methodArn"]).partition("/")[0]
        allowed = permissions.may_call_authorizer(api, authorizer)
        return await invoke(authorizer, event, account, region) if allowed else None

    return invoke_authorizer
