"""The mapping language of API Gateway: Velocity templates over the request, its context and the stage's variables.

Mapping template variables:
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

Json = dict[str, Any]


class MappingFailed(Exception):
    """A template cannot be rendered: it is wrong, or it calls something that Velocity on AWS may know and this not."""


class _Map(dict):  # type: ignore[type-arg]
    def __str__(self) -> str:  # as Java prints one
        return (
            "{" + ", ".join(f"{name}={airspeed.operators.value_to_string(value)}" for name, value in self.items()) + "}"
        )


class _List(list):  # type: ignore[type-arg]
    def __str__(self) -> str:
        return json.dumps(self, separators=(",", ":"), ensure_ascii=False)


class _Input:
    """``$input``: the body, and the parameters of the request."""

    def __init__(self, body: str, parameters: Json) -> None:
        self.body, self._parameters = body, parameters

    def path(self, path: str) -> Any:
        found = values_at(path, self.body)
        return found[0] if len(found) == 1 else _List(found) if found else ""

    def json(self, path: str) -> str:
        found = values_at(path, self.body)
        value = found[0] if len(found) == 1 else found or ""
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def params(self, name: str | None = None) -> Any:
        if name is None:
            return _java(self._parameters)
        return next((place[name] for place in self._parameters.values() if name in place), "")


class _Util:
    """``$util``."""

    @staticmethod
    def escapeJavaScript(text: Any) -> str:  # noqa: N802 - the language's name
        return json.dumps(str(text), ensure_ascii=False)[1:-1].replace("'", "\\'").replace("/", "\\/")

    @staticmethod
    def parseJson(text: str) -> Any:  # noqa: N802
        return _java(json.loads(text))

    @staticmethod
    def urlEncode(text: Any) -> str:  # noqa: N802
        return urllib.parse.quote_plus(str(text), safe="*")

    @staticmethod
    def urlDecode(text: Any) -> str:  # noqa: N802
        return urllib.parse.unquote_plus(str(text))

    @staticmethod
    def base64Encode(text: Any) -> str:  # noqa: N802
        return base64.b64encode(str(text).encode()).decode()

    @staticmethod
    def base64Decode(text: Any) -> str:  # noqa: N802
        return base64.b64decode(str(text)).decode()


def render(template: str, body: str, parameters: Json, context: Json, variables: Json) -> str:
    """Return what a mapping template makes of a body.

    Raises
    ------
    MappingFailed
        If it cannot be rendered.
    """
    if "$" not in template and "#" not in template:
        return template
    names = {"input": _Input(body, parameters), "util": _Util(), "context": context, "stageVariables": _Map(variables)}
    try:
        text: str = _compiled(template).merge(names)
    except (airspeed.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise MappingFailed(str(error)) from error
    return text


def values_at(path: str, body: str) -> list[Any]:
    """Return what a JSON path finds in a body; a body that is not JSON holds nothing."""
    try:
        document = json.loads(body or "{}")
    except ValueError:
        return []
    try:
        return [_java(match.value) for match in _parsed(path).find(document)]
    except Exception as error:  # the library has no class for its errors
        raise MappingFailed(f"{path}: {error}") from error


@lru_cache(maxsize=512)
def _compiled(template: str) -> Any:
    compiled = airspeed.Template(template)
    compiled.ensure_compiled()
    return compiled


@lru_cache(maxsize=512)
def _parsed(path: str) -> Any:
    return parse_json_path(path)


def _java(node: Any) -> Any:
    if isinstance(node, dict):
        return _Map({name: _java(value) for name, value in node.items()})
    return _List(_java(value) for value in node) if isinstance(node, list) else node


def _replace_all(text: str, pattern: str, replacement: str) -> str:
    r"""Java's: in the replacement, $1 is a group and \x is x."""
    in_python = re.sub(
        r"\\(.)|\$(\d)|(\\)$", lambda m: f"\\g<{m[2]}>" if m[2] else (m[1] or "").replace("\\", r"\\"), replacement
    )
    return re.sub(pattern, in_python, text)


def _entries(node: Json) -> _List:
    return _List(_Map({"key": name, "value": value}) for name, value in node.items())


# The methods that templates may call on values: those of Java's classes, and no others.
_ANYTHING: dict[str, Callable[..., Any]] = {
    "toString": airspeed.operators.value_to_string,
    "equals": lambda own, other: own == other,
    "isEmpty": lambda own: len(own) == 0,
}
_TEXT = _ANYTHING | {
    "charAt": lambda own, index: own[index],
    "concat": lambda own, other: own + other,
    "contains": lambda own, other: other in own,
    "endsWith": lambda own, other: own.endswith(other),
    "equalsIgnoreCase": lambda own, other: own.lower() == str(other).lower(),
    "indexOf": lambda own, other: own.find(other),
    "lastIndexOf": lambda own, other: own.rfind(other),
    "length": len,
    "matches": lambda own, pattern: re.fullmatch(pattern, own) is not None,
    "replace": lambda own, old, new: own.replace(old, new),
    "replaceAll": _replace_all,
    "split": lambda own, pattern: _List(re.split(pattern, own)),
    "startsWith": lambda own, other: own.startswith(other),
    "substring": lambda own, start, end=None: own[start:end],
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "trim": str.strip,
}
_LIST = _ANYTHING | {
    "add": lambda own, value: own.append(value) or True,
    "addAll": lambda own, values: own.extend(values) or True,
    "contains": lambda own, value: value in own,
    "get": lambda own, index: own[index],
    "indexOf": lambda own, value: own.index(value) if value in own else -1,
    "remove": lambda own, index: own.pop(index),
    "set": airspeed.operators.array_set,
    "size": len,
}
_MAP = _ANYTHING | {
    "containsKey": lambda own, name: name in own,
    "entrySet": _entries,
    "get": lambda own, name: own.get(name),
    "getOrDefault": lambda own, name, default: own.get(name, default),
    "keySet": _List,
    "put": lambda own, name, value: airspeed.operators.dict_put(own, name, value) or "",
    "putAll": lambda own, others: own.update(others) or "",
    "remove": lambda own, name: own.pop(name, ""),
    "size": len,
    "values": lambda own: _List(own.values()),
}
_METHODS = {
    str: _TEXT,
    list: _LIST,
    dict: _MAP,
    _List: _LIST,
    _Map: _MAP,
    int: _ANYTHING,
    float: _ANYTHING,
    bool: _ANYTHING,
}


def loud(calculate: Callable[..., Any]) -> Callable[..., Any]:
    """Have a call of an unknown method fail; the library renders it as an empty string."""

    def calculated(reference: Any, owner: Any, loader: Any, namespace: Any) -> Any:
        methods = _METHODS.get(type(owner))
        if reference.parameters is None or methods is None:
            return calculate(reference, owner, loader, namespace)
        if reference.name not in methods:
            raise MappingFailed(f"this local API Gateway has no .{reference.name}() of a {type(owner).__name__}")
        result = methods[reference.name](owner, *reference.parameters.calculate(namespace, loader))
        return _java(result)

    return calculated
