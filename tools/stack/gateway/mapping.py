"""The mapping language of API Gateway: Velocity templates over the request, its context and the stage's variables.

Variables for data transformations for API Gateway:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import airspeed
import airspeed.operators
from jsonpath_ng.ext.parser import parse as parse_json_path

from tools.stack.gateway import java

Json = dict[str, Any]
# A path to one place, which holds one value; every other path finds a list.
_ONE_PLACE = re.compile(r"""\$?(\.?[\w-]+|\[(\d+|'[^']*'|"[^"]*")\])*""")
# Parts of Velocity that the library prints as they stand.
_NOT_HERE = re.compile(r"#(break\b|\{break\}|\[\[|@\w+)")


class MappingFailed(Exception):
    """A template cannot be rendered: it is wrong, or it uses a part of Velocity that is not here."""


class Overrides(dict):  # type: ignore[type-arg]
    """Parameters that templates override; each may be set once.

    Use a mapping template to override an API's request and response parameters and status codes:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
    """

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self:
            raise MappingFailed(f"{name} is overridden twice")
        super().__setitem__(name, value)


class _Input:
    """``$input``: the body, and the parameters of the request."""

    def __init__(self, body: str, parameters: Json) -> None:
        self.body, self._parameters = body, parameters

    def path(self, path: str) -> Any:
        return value_at(path, self.body)

    def json(self, path: str) -> str:
        return java.as_json(value_at(path, self.body))

    def params(self, name: str | None = None) -> Any:
        if name is None:
            return java.from_json(self._parameters)
        headers = {key.lower(): value for key, value in self._parameters["header"].items()}
        places = ((self._parameters["path"], name), (self._parameters["querystring"], name), (headers, name.lower()))
        return next((place[key] for place, key in places if key in place), "")


class _Util:
    """``$util``."""

    @staticmethod
    def escapeJavaScript(text: Any) -> str:  # noqa: N802 - the language's name
        return json.dumps(java.text(text), ensure_ascii=False)[1:-1].replace("'", "\\'").replace("/", "\\/")

    @staticmethod
    def parseJson(text: str) -> Any:  # noqa: N802
        return java.from_json(json.loads(text))

    @staticmethod
    def urlEncode(text: Any) -> str:  # noqa: N802
        return urllib.parse.quote_plus(java.text(text), safe="*").replace("~", "%7E")

    @staticmethod
    def urlDecode(text: Any) -> str:  # noqa: N802
        return urllib.parse.unquote_plus(java.text(text))

    @staticmethod
    def base64Encode(text: Any) -> str:  # noqa: N802
        return base64.b64encode(java.text(text).encode()).decode()

    @staticmethod
    def base64Decode(text: Any) -> str:  # noqa: N802
        return base64.b64decode(java.text(text)).decode()


def render(template: str, body: str, parameters: Json, context: Json, variables: Json) -> str:
    """Return what a mapping template makes of a body.

    Raises
    ------
    MappingFailed
        If it cannot be rendered.
    """
    if "$" not in template and "#" not in template:
        return template
    names = {
        "input": _Input(body, parameters),
        "util": _Util(),
        "context": context,
        "stageVariables": java.Map(variables),
    }
    try:
        text: str = _compiled(template).merge(names)
    except (airspeed.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise MappingFailed(str(error)) from error
    return text


def value_at(path: str, body: str) -> Any:
    """Return what a JSON path finds in a body; where nothing is, an empty string."""
    try:
        found = [java.from_json(match.value) for match in _parsed(path).find(json.loads(body or "{}"))]
    except Exception as error:  # the library has no class for its errors
        raise MappingFailed(f"{path}: {error}") from error
    return next(iter(found), "") if _ONE_PLACE.fullmatch(path) else java.List(found)


@lru_cache(maxsize=512)
def _compiled(template: str) -> Any:
    if missing := _NOT_HERE.search(template):
        raise MappingFailed(f"this local API Gateway has no {missing[0]}")
    compiled = airspeed.Template(template)
    compiled.ensure_compiled()
    return compiled


@lru_cache(maxsize=512)
def _parsed(path: str) -> Any:
    return parse_json_path(path)


def loud(calculate: Callable[..., Any]) -> Callable[..., Any]:
    """Have an unknown method fail, and a missing property be null; the library takes Python's, or prints nothing."""

    def calculated(reference: Any, owner: Any, loader: Any, namespace: Any) -> Any:
        name, call = reference.name, reference.parameters
        if isinstance(owner, _Input | _Util) and not hasattr(owner, name):
            raise MappingFailed(f"this local API Gateway has no ${type(owner).__name__[1:].lower()}.{name}")
        methods = java.methods_of(owner)
        if methods is None or isinstance(owner, airspeed.operators.LocalNamespace):
            return calculate(reference, owner, loader, namespace)
        if call is None:
            present = isinstance(owner, dict) and name in owner
            return calculate(reference, owner, loader, namespace) if present else None
        if name not in methods:
            raise MappingFailed(f"this local API Gateway has no .{name}() of a {type(owner).__name__}")
        return java.from_json(methods[name](owner, *call.calculate(namespace, loader)))

    return calculated


def over_values(parse: Callable[[Any], None]) -> Callable[[Any], None]:
    """Have ``#foreach`` over a map take its values, as in Velocity; the library takes its keys.

    https://velocity.apache.org/engine/devel/user-guide.html#foreach-loop
    """

    def parsed(directive: Any) -> None:
        parse(directive)
        calculate = directive.value.calculate

        def values(namespace: Any, loader: Any) -> Any:
            found = calculate(namespace, loader)
            return list(found.values()) if isinstance(found, dict) else found

        directive.value.calculate = values

    return parsed
