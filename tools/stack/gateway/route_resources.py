"""CloudFormation's resources of HTTP and WebSocket APIs, as far as the emulator leaves them out.

AWS::ApiGatewayV2: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGatewayV2.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway as v2

from tools.stack.gateway.document import ANY

Json = dict[str, Any]
_EXTENSION = "x-amazon-apigateway"
_CREATED = 201


def then(complete: Callable[[str, Json], None], position: int) -> Callable[[Any], Any]:
    """Return what makes a handler complete a resource from its properties, the argument at that position."""

    def replacement(handler: Callable[..., Any]) -> Callable[..., Any]:
        def handle(*arguments: Any, **options: Any) -> Any:
            made = handler(*arguments, **options)
            complete(made[0], arguments[position])
            return made

        return handle

    return replacement


def complete_api(api_id: str, properties: Json) -> None:
    """Set up CORS, and import the OpenAPI document, into an API that keeps its id.

    Working with OpenAPI definitions for HTTP APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
    """
    document = properties.get("Body") or {}
    cors = properties.get("CorsConfiguration") or document.get(f"{_EXTENSION}-cors")
    if cors:
        v2._apis[api_id]["corsConfiguration"] = _in_camel_case(cors)
    if document:
        for store in (v2._routes, v2._integrations, v2._authorizers):
            store[api_id] = {}
        schemes = (document.get("components") or {}).get("securitySchemes") or {}
        kinds = {name: _import_authorizer(api_id, name, scheme) for name, scheme in schemes.items()}
        for path, item in document["paths"].items():
            for verb, operation in item.items():
                if isinstance(operation, dict) and f"{_EXTENSION}-integration" in operation:
                    key = path if path == "$default" else f"{'ANY' if verb == ANY else verb.upper()} {path}"
                    _import_route(api_id, key, operation, kinds)


def complete_integration(integration_id: str, properties: Json) -> None:
    """Keep the credentials, and the expression that selects a template."""
    integration = v2._integrations[properties["ApiId"]][integration_id]
    for name in ("CredentialsArn", "TemplateSelectionExpression"):
        integration[name[0].lower() + name[1:]] = properties.get(name)


def with_responses(handlers: Json) -> Json:
    """Know the resources of route responses and integration responses, of WebSocket APIs."""
    handlers["AWS::ApiGatewayV2::RouteResponse"] = _handlers(
        "Route", v2._create_route_response, v2._delete_route_response
    )
    handlers["AWS::ApiGatewayV2::IntegrationResponse"] = _handlers(
        "Integration", v2._create_integration_response, v2._delete_integration_response
    )
    return handlers


def _handlers(parent: str, create: Callable[..., Any], delete: Callable[..., Any]) -> Json:
    def place(properties: Json) -> tuple[str, str]:
        # The emulator's reference to a route has the API's id before the route's.
        return properties["ApiId"], properties[f"{parent}Id"].rpartition("/")[2]

    def made(_: str, properties: Json, __: str) -> tuple[str, Json]:
        status, _, body = create(*place(properties), _in_camel_case(properties))
        if status != _CREATED:
            raise ValueError(body.decode())
        return json.loads(body)[f"{parent.lower()}ResponseId"], {}

    return {"create": made, "delete": lambda made_id, properties: delete(*place(properties), made_id)}


def _import_authorizer(api_id: str, name: str, scheme: Json) -> tuple[str, str | None]:
    """Return the authorization type of the routes that name a security scheme, and their authorizer."""
    wanted = scheme.get(f"{_EXTENSION}-authorizer")
    if not wanted:
        return ("AWS_IAM" if scheme.get(f"{_EXTENSION}-authtype") == "awsSigv4" else "NONE"), None
    sources, kind = wanted.get("identitySource") or [], wanted["type"].upper()
    sources = sources if isinstance(sources, list) else sources.split(",")
    data = wanted | {"name": name, "authorizerType": kind, "identitySource": [source.strip() for source in sources]}
    created = json.loads(v2._create_authorizer(api_id, data)[2])
    return ("JWT" if kind == "JWT" else "CUSTOM"), created["authorizerId"]


def _import_route(api_id: str, key: str, operation: Json, kinds: dict[str, tuple[str, str | None]]) -> None:
    wanted = operation[f"{_EXTENSION}-integration"]
    data = {
        **{name: wanted[name] for name in ("timeoutInMillis", "connectionType", "requestParameters") if name in wanted},
        "integrationType": wanted["type"].upper(),
        "integrationUri": wanted.get("uri"),
        "integrationMethod": wanted.get("httpMethod"),
        "payloadFormatVersion": str(wanted.get("payloadFormatVersion", "1.0")),
    }
    integration = json.loads(v2._create_integration(api_id, data)[2])["integrationId"]
    v2._integrations[api_id][integration]["credentialsArn"] = wanted.get("credentials")
    scheme, scopes = next(
        ((name, scopes) for each in operation.get("security") or [] for name, scopes in each.items()), ("", [])
    )
    kind, authorizer = kinds.get(scheme, ("NONE", None))
    route: Json = {"routeKey": key, "target": f"integrations/{integration}"}
    route |= {"authorizationType": kind, "authorizerId": authorizer, "authorizationScopes": scopes}
    v2._create_route(api_id, route)


def _in_camel_case(properties: Json) -> Json:
    return {name[0].lower() + name[1:]: value for name, value in properties.items()}
