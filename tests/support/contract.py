"""The contract, held against answers."""

import json
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from tools.testing.template import Json, openapi


def violations(route: str, answer: Json) -> list[str]:
    """Return what is wrong with a function's answer to a request for a route (`GET /orders`).

    Stricter than the document: an answer has no member that its model does not name.
    """
    method, path = route.split()
    documented = openapi()["paths"][path][method.lower()]["responses"].get(str(answer["statusCode"]))
    if documented is None:
        return [f"status {answer['statusCode']} is not documented"]
    response = _followed(documented)
    media_type = answer["headers"]["Content-Type"]
    if media_type not in response["content"]:
        return [f"media type {media_type} is not documented"]
    missing = [name for name in response.get("headers", {}) if name not in answer["headers"]]
    wrong = _errors(json.loads(answer["body"]), response["content"][media_type]["schema"])
    return [f"header {name} is missing" for name in missing] + wrong


def matches(value: Any, model: str) -> bool:
    """Tell whether a value has the shape of a model, and no member more."""
    return not _errors(value, {"$ref": f"#/components/schemas/{model}"})


def _errors(value: Any, schema: Json) -> list[str]:
    document = {**schema, "components": _strict(openapi()["components"])}
    errors = OAS30Validator(document, format_checker=oas30_format_checker).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]


def _followed(node: Json) -> Json:
    if "$ref" not in node:
        return node
    found: Any = openapi()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _followed(found)


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(element) for element in node]
    if not isinstance(node, dict):
        return node
    strict = {name: _strict(value) for name, value in node.items()}
    return {**strict, "additionalProperties": False} if node.get("type") == "object" else strict
