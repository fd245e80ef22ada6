"""Which routes of the REST API ``sam local start-api`` mounts, and what guards them there, by the OpenAPI document."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from tools.stack.stack import ROOT

# The gateway's action where it calls no function that start-api would mount.
_UNMOUNTED = {"mock": "the gateway answers itself", "aws": "the gateway calls another service itself"}
# By x-amazon-apigateway-authtype: what start-api passes over.
_SKIPPED = {"cognito_user_pools": "Cognito", "awsSigv4": "IAM"}


@dataclass(frozen=True)
class Route:
    """A route of the REST API; without a ``function`` it is not mounted, and ``start-api`` answers 403.

    ``authorizer`` is its name in the OpenAPI document, ``guard`` says in words who may call under ``start-api``, and
    ``is_open`` whether the authorizer is skipped there.
    """

    method: str
    path: str
    function: str
    authorizer: str
    guard: str
    is_open: bool = False


def routes() -> list[Route]:
    """Return all routes but those of preflight requests, none of which is mounted."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    # An API key has no such type, and lets nobody in.
    types = {
        name: scheme.get("x-amazon-apigateway-authtype", "")
        for name, scheme in document["components"]["securitySchemes"].items()
    }
    return [
        _route(method.upper(), path, operation, types)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "options" and "x-amazon-apigateway-integration" in operation
    ]


def _route(method: str, path: str, operation: dict[str, Any], types: dict[str, str]) -> Route:
    required = [name for alternative in operation.get("security", ()) for name in alternative]
    authorizer = next((name for name in required if types[name]), "")
    integration = operation["x-amazon-apigateway-integration"]
    if integration["type"] != "aws_proxy":
        return Route(method, path, "", authorizer, f"not mounted: {_UNMOUNTED[integration['type']]}")
    (function,) = re.findall(r"/functions/\$\{(\w+)\.Alias\}/", str(integration["uri"]))
    if skipped := _SKIPPED.get(types.get(authorizer, "")):
        return Route(method, path, function, authorizer, f"open: {skipped} is skipped", is_open=True)
    return Route(method, path, function, authorizer, f"authorizer {authorizer} runs" if authorizer else "anyone")
