"""The import of an OpenAPI document: everything of it, into the API's resources, models and settings.

Import a REST API: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html
OpenAPI extensions: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import apigateway_v1 as v1
from ministack.services.cloudformation import provisioners

Json = dict[str, Any]
JSON = "application/json"
ANY = "x-amazon-apigateway-any-method"
_EXTENSION = "x-amazon-apigateway"
_REFERENCE = re.compile(r'"#/(?:components/schemas|definitions)/')
_PLACES = {"query": "querystring", "header": "header", "path": "path"}
_TAKEN_AS_WRITTEN = (
    *("requestParameters", "requestTemplates", "credentials", "timeoutInMillis", "cacheKeyParameters"),
    *("cacheNamespace", "connectionType", "connectionId", "contentHandling"),
)


def importing_all(import_rest_api: Callable[..., str]) -> Callable[..., str]:
    """Take what the emulator leaves out; it imports paths, authorizers and the integrations' targets."""

    def import_document(document: Json, settings: Json | None = None) -> str:
        of_document = {
            "policy": document.get(f"{_EXTENSION}-policy"),
            "apiKeySource": document.get(f"{_EXTENSION}-api-key-source"),
            "binaryMediaTypes": document.get(f"{_EXTENSION}-binary-media-types"),
        }
        given = {name: value for name, value in of_document.items() if value}
        api_id = import_rest_api(document, (settings or {}) | given)
        _import_models(api_id, document)
        validators = _import_validators(api_id, document)
        for kind, response in (document.get(f"{_EXTENSION}-gateway-responses") or {}).items():
            v1._put_gateway_response(api_id, kind, response)
        for method, operation in _operations(api_id, document):
            _complete_method(method, operation, document, validators)
        return api_id

    return import_document


def with_any(methods: set[str]) -> set[str]:
    """Have the emulator look at operations that stand for every method."""
    return methods | {ANY}


def as_any(import_operation: Callable[..., None]) -> Callable[..., None]:
    """Import the operation that stands for every method as the method ANY."""

    def import_one(api_id: str, resource_id: str, method: str, *rest: Any) -> None:
        import_operation(api_id, resource_id, "ANY" if method.lower() == ANY else method, *rest)

    return import_one


def keeping_its_id(update: Callable[..., Any]) -> Callable[..., Any]:
    """Import a changed document into the API that is there, whose id and so whose address stays.

    PutRestApi, mode overwrite: https://docs.aws.amazon.com/apigateway/latest/api/API_PutRestApi.html
    """

    def update_rest_api(api_id: str, old: Json, new: Json, stack_name: str, logical_id: str | None = None) -> Any:
        if not isinstance(new.get("Body"), dict) or new["Body"] == old.get("Body"):
            return update(api_id, old, new, stack_name, logical_id)
        fresh, _ = provisioners._apigw_rest_api_create(logical_id or api_id, new, stack_name)
        imported = ("_rest_apis", "_resources", "_authorizers_v1", "_models", "_request_validators")
        for store in (getattr(v1, name) for name in (*imported, "_gateway_responses")):
            store.pop(api_id, None)
            if fresh in store:
                store[api_id] = store.pop(fresh)
        v1._rest_apis[api_id]["id"] = api_id
        v1._delete_rest_api(fresh)
        return api_id, provisioners._apigw_rest_api_attrs(api_id)

    return update_rest_api


def _import_models(api_id: str, document: Json) -> None:
    schemas = (document.get("components") or {}).get("schemas") or document.get("definitions") or {}
    # A model is a schema of its own: what it refers to goes along.
    definitions = json.loads(_REFERENCE.sub('"#/definitions/', json.dumps(schemas)))
    for name, schema in definitions.items():
        own = json.dumps(schema | {"definitions": definitions})
        v1._create_model(api_id, {"name": name, "contentType": JSON, "schema": own})


def _import_validators(api_id: str, document: Json) -> dict[str | None, str]:
    named = document.get(f"{_EXTENSION}-request-validators") or {}
    created = {
        name: v1._create_request_validator(api_id, {"name": name, **settings}) for name, settings in named.items()
    }
    return {name: json.loads(answer[2])["id"] for name, answer in created.items()}


def _operations(api_id: str, document: Json) -> Iterator[tuple[Json, Json]]:
    """Yield each imported method with its operation, which has the parameters of its path, too."""
    resources = {resource["path"]: resource for resource in v1._resources[api_id].values()}
    for path, item in document["paths"].items():
        for name, operation in item.items():
            method = "ANY" if name == ANY else name.upper()
            if stored := resources[path]["resourceMethods"].get(method):
                yield (
                    stored,
                    operation | {"parameters": [*item.get("parameters", []), *operation.get("parameters", [])]},
                )


def _complete_method(method: Json, operation: Json, document: Json, validators: dict[str | None, str]) -> None:
    parameters = [_follow(document, each) for each in operation["parameters"]]
    method["requestParameters"] = {
        f"method.request.{_PLACES[each['in']]}.{each['name']}": each.get("required", False)
        for each in parameters
        if each["in"] in _PLACES
    }
    bodies = _follow(document, operation.get("requestBody") or {}).get("content") or {}
    for each in parameters:
        if each["in"] == "body":  # Swagger 2
            bodies |= {JSON: each}
    method["requestModels"] = {
        kind: body["schema"]["$ref"].rsplit("/", 1)[-1]
        for kind, body in bodies.items()
        if "$ref" in body.get("schema", {})
    }
    name = f"{_EXTENSION}-request-validator"
    method["requestValidatorId"] = validators.get(operation.get(name) or document.get(name))
    method["methodResponses"] |= {
        str(status): {"statusCode": str(status)} for status in operation.get("responses") or {} if status != "default"
    }
    if integration := operation.get(f"{_EXTENSION}-integration"):
        _complete_integration(method["methodIntegration"], integration)


def _complete_integration(imported: Json, wanted: Json) -> None:
    """Take the x-amazon-apigateway-integration object as it is written."""
    imported |= {name: wanted[name] for name in _TAKEN_AS_WRITTEN if name in wanted}
    imported["passthroughBehavior"] = wanted.get("passthroughBehavior", "when_no_match").upper()
    responses: Json = {}
    for pattern, response in (wanted.get("responses") or {}).items():
        # By their status, as PutIntegrationResponse has them; a second pattern with the same status is kept beside it.
        status = str(response["statusCode"])
        key = f"{status} {pattern}" if status in responses else status
        responses[key] = {"selectionPattern": "" if pattern == "default" else pattern, **response}
    imported["integrationResponses"] = responses


def _follow(document: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node
