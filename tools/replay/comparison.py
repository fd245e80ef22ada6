"""Compares what a function did with what is expected of it."""

import json
import re
from collections.abc import Iterator

from tools.replay.cases import Json

_NOTHING = object()
_PATTERNS = {
    "charge-id": r"ch-[0-9a-f]{24}",
    "cursor": r"[A-Za-z0-9_-]{20,}",
    "message-id": r"[0-9a-f]{12}-[0-9a-f]{16}",
    "ticket": r"[A-Za-z0-9_-]{43}",
    "ticket-url": r"wss?://[^?]+\?ticket=[A-Za-z0-9_-]{43}",
    "user-id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
}


def differences(expected: Json, actual: Json, path: str) -> Iterator[str]:
    """Compare a value, which stands at a path such as ``answer.body``, with the expected one; yield a line for each.

    In the expected value ``{"$match": name}`` stands for whatever that matcher accepts, ``{"$json": value}`` for a
    string that holds this value as JSON.
    """
    match expected, actual:
        case {"$match": str(matcher)}, _:
            if not _matches(matcher, actual):
                yield f"{path}: expected a {matcher}, got {_shown(actual)}"
        case {"$json": value}, str():
            yield from differences(value, _parsed(actual), path)
        case (dict(), dict()) | (list(), list()) if "$json" not in expected:
            wanted, found = _parts(expected), _parts(actual)
            for part in {**wanted, **found}:
                yield from differences(wanted.get(part, _NOTHING), found.get(part, _NOTHING), path + part)
        # In Python True is 1, and 1 is 1.0; in JSON they are not.
        case _ if type(expected) is not type(actual) or expected != actual:
            yield f"{path}: expected {_shown(expected)}, got {_shown(actual)}"


def _matches(matcher: str, value: Json) -> bool:
    if matcher == "count":
        return type(value) is int and value >= 0
    return isinstance(value, str) and bool(re.fullmatch(_PATTERNS[matcher], value))


def _parts(value: Json) -> dict[str, Json]:
    if isinstance(value, dict):
        return {f".{key}": part for key, part in value.items()}
    return {f"[{index}]": part for index, part in enumerate(value)}


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shown(value: Json) -> str:
    return "nothing" if value is _NOTHING else json.dumps(value, ensure_ascii=False, default=str)
