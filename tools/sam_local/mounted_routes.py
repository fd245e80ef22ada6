"""Which routes of the REST API ``sam local start-api`` mounts, and what guards them there, by the OpenAPI document.

It mounts Lambda proxy integrations, runs Lambda authorizers, and passes over other authorizers with a warning.
``tests/sam_local`` holds this against what it really mounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tools.stack.stack import ROOT

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_FUNCTION = re.compile(r"/functions/\$\{(\w+)\.Alias\}/")
_CUSTOM = "custom"
# Where nobody calls a function: what the gateway does instead.
_INTEGRATIONS = {"mock": "the gateway answers itself", "aws": "the gateway calls another service itself"}
# By x-amazon-apigateway-authtype: what start-api passes over.
_SKIPPED = {"cognito_user_pools": "Cognito", "awsSigv4": "IAM"}


@dataclass(frozen=True)
class Route:
    """A route of the REST API.

    Attributes
    ----------
    method
        Such as ``GET``.
    path
        Such as ``/orders/{orderId}``.
    function
        The name of the function in the template; empty where the gateway calls none, and so nothing is mounted.
    integration
        What the gateway does: ``aws_proxy``, ``aws``, ``mock``.
    authorizer
        What the OpenAPI document calls the authorizer; empty where anyone may call.
    authorization
        Its kind: ``custom`` for a Lambda authorizer, ``cognito_user_pools``, ``awsSigv4``.
    """

    method: str
    path: str
    function: str
    integration: str
    authorizer: str
    authorization: str

    @property
    def is_mounted(self) -> bool:
        """Whether ``start-api`` answers it; to a route that it does not know it answers 403."""
        return bool(self.function)

    @property
    def is_open(self) -> bool:
        """Whether it has lost the authorizer that it has on AWS."""
        return self.is_mounted and self.authorization not in ("", _CUSTOM)

    @property
    def guard(self) -> str:
        """Who may call it under ``start-api``, in words."""
        if not self.is_mounted:
            return f"not mounted: {_INTEGRATIONS[self.integration]}"
        if self.is_open:
            return f"open: {_SKIPPED[self.authorization]} is skipped"
        return f"authorizer {self.authorizer} runs" if self.authorizer else "anyone"


def routes() -> list[Route]:
    """Return all routes but those of preflight requests, none of which is mounted."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return [route for route in _routes(document) if route.method != "OPTIONS"]


def _routes(document: dict[str, Any]) -> Iterator[Route]:
    schemes = document["components"]["securitySchemes"]
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _route(method, path, item[method], schemes)


def _route(method: str, path: str, operation: dict[str, Any], schemes: dict[str, Any]) -> Route:
    integration = operation["x-amazon-apigateway-integration"]
    function = _FUNCTION.search(str(integration.get("uri", "")))
    # An API key lets nobody in, and has no such type.
    guards = [
        (name, schemes[name]["x-amazon-apigateway-authtype"])
        for required in operation.get("security", ())
        for name in required
        if "x-amazon-apigateway-authtype" in schemes[name]
    ]
    authorizer, authorization = guards[0] if guards else ("", "")
    mounted = function[1] if function and integration["type"] == "aws_proxy" else ""
    return Route(method.upper(), path, mounted, integration["type"], authorizer, authorization)
