"""Which routes of the REST API ``sam local start-api`` mounts, and what guards them there, by the OpenAPI document.

It mounts Lambda proxy integrations, runs Lambda authorizers, and passes over other authorizers with a warning.
``tests/sam_local`` holds this against what it really mounts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from tools.stack.stack import ROOT

# What the gateway does instead, where it calls no function that start-api would mount.
_UNMOUNTED = {"mock": "the gateway answers itself", "aws": "the gateway calls another service itself"}
# By x-amazon-apigateway-authtype: what start-api passes over.
_SKIPPED = {"cognito_user_pools": "Cognito", "awsSigv4": "IAM"}


@dataclass(frozen=True)
class Route:
    """A route of the REST API, under ``start-api``.

    Attributes
    ----------
    function
        The name of the function in the template; empty where nothing is mounted, which ``start-api`` answers with 403.
    authorizer
        What the OpenAPI document calls the authorizer; empty where anyone may call.
    is_open
        Whether it has lost the authorizer that it has on AWS.
    guard
        Who may call it, in words.
    """

    method: str
    path: str
    function: str
    authorizer: str
    is_open: bool
    guard: str


def routes() -> list[Route]:
    """Return all routes but those of preflight requests, none of which is mounted."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    authorizers = {
        name: scheme["x-amazon-apigateway-authtype"]
        for name, scheme in document["components"]["securitySchemes"].items()
        if "x-amazon-apigateway-authtype" in scheme  # an API key has none, and lets nobody in
    }
    return [
        _route(method.upper(), path, operation, authorizers)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "options" and "x-amazon-apigateway-integration" in operation
    ]


def _route(method: str, path: str, operation: dict[str, Any], authorizers: dict[str, str]) -> Route:
    required = [name for alternative in operation.get("security", ()) for name in alternative]
    authorizer = next((name for name in required if name in authorizers), "")
    integration = operation["x-amazon-apigateway-integration"]
    if integration["type"] != "aws_proxy":
        return Route(method, path, "", authorizer, False, f"not mounted: {_UNMOUNTED[integration['type']]}")
    (function,) = re.findall(r"/functions/\$\{(\w+)\.Alias\}/", str(integration["uri"]))
    skipped = _SKIPPED.get(authorizers.get(authorizer, ""))
    guard = f"open: {skipped} is skipped" if skipped else f"authorizer {authorizer} runs" if authorizer else "anyone"
    return Route(method, path, function, authorizer, bool(skipped), guard)
