"""Values of mapping templates as Java has them: their text, and the methods that templates may call."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import airspeed.operators

Json = dict[str, Any]


class Map(dict):  # type: ignore[type-arg]
    """An object of JSON."""

    def __str__(self) -> str:
        return text(dict(self))


class List(list):  # type: ignore[type-arg]
    """An array of JSON, which is written as such."""

    def __str__(self) -> str:
        return as_json(self)


def from_json(node: Any) -> Any:
    """Return a value of JSON as templates see it."""
    if isinstance(node, dict):
        return Map({name: from_json(value) for name, value in node.items()})
    return List(from_json(value) for value in node) if isinstance(node, list) else node


def as_json(value: Any) -> str:
    """Return a value as JSON, without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def text(value: Any) -> str:
    """Return a value's text as Java's classes write it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list) and not isinstance(value, List):
        return f"[{', '.join(map(text, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _replace_all(text: str, pattern: str, replacement: str) -> str:
    r"""Java's: in the replacement, $1 is a group and \x is x."""
    in_python = re.sub(
        r"\\(.)|\$(\d)|(\\)$", lambda m: f"\\g<{m[2]}>" if m[2] else (m[1] or "").replace("\\", r"\\"), replacement
    )
    return re.sub(pattern, in_python, text)


def _split(text: str, pattern: str) -> List:
    parts = re.split(pattern, text)
    while parts and not parts[-1]:
        parts.pop()
    return List(parts)


def _substring(text: str, start: int, end: int | None = None) -> str:
    if not 0 <= start <= (len(text) if end is None else end) <= len(text):
        raise IndexError(f"substring({start}, {end}) of {len(text)} characters")
    return text[start:end]


def _entries(node: Json) -> List:
    return List(Map({"key": name, "value": value}) for name, value in node.items())


# The methods that templates may call on values: those of Java's classes, and no others.
_ANYTHING: dict[str, Callable[..., Any]] = {
    "toString": text,
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
    "split": _split,
    "startsWith": lambda own, other: own.startswith(other),
    "substring": _substring,
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
    "keySet": List,
    "put": lambda own, name, value: airspeed.operators.dict_put(own, name, value) or "",
    "putAll": lambda own, others: own.update(others) or "",
    "remove": lambda own, name: own.pop(name, ""),
    "size": len,
    "values": lambda own: List(own.values()),
}
_METHODS = {str: _TEXT, list: _LIST, dict: _MAP, int: _ANYTHING, float: _ANYTHING, bool: _ANYTHING}


def methods_of(value: Any) -> dict[str, Callable[..., Any]] | None:
    """Return the methods of a value, by their names; None if it is not of the language's."""
    return next((_METHODS[kind] for kind in type(value).__mro__ if kind in _METHODS), None)
