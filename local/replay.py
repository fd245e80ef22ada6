"""Replays sample events: each is a file, and beside it what must come back (see ``events/README.md``).

What runs a function, and where, is the caller's choice: this module reads the cases, fills in what differs from one
stack to the next, and compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Any

_EXPECTED = ".expected.json"
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_NOTHING = object()


@dataclass(frozen=True)
class Case:
    """A sample event and what must come of it.

    Attributes
    ----------
    name
        ``<function>/<case>``, as the files are called.
    about
        What the case is for, in a line.
    given
        The names of the cases that must have happened before.
    event
        What the function is called with.
    answer
        What it must return.
    sends
        What it must send to others, in this order.
    """

    name: str
    about: str
    given: tuple[str, ...]
    event: Json
    answer: Json
    sends: Json

    @property
    def function(self) -> str:
        """The function that the event is for."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Outcome:
    """What a function did; ``sends`` is ``None`` where nobody could see what it sent."""

    answer: Json
    sends: Json = None


Invoke = Callable[[str, Json], Outcome]


def load(directory: Path) -> dict[str, Case]:
    """Read all cases.

    Parameters
    ----------
    directory
        The folder that has a folder for each function.

    Returns
    -------
    dict
        The cases by their names.
    """
    paths = sorted(path for path in directory.glob("*/*.json") if not path.name.endswith(_EXPECTED))
    return {case.name: case for case in map(_read, paths)}


def replay(name: str, cases: Mapping[str, Case], invoke: Invoke, values: Mapping[str, str]) -> Iterator[str]:
    """Replay a case, after those that it builds on.

    Parameters
    ----------
    name
        The case's name.
    cases
        All cases.
    invoke
        Calls a function, by its name, with an event.
    values
        What stands for the placeholders: ``${Name}`` becomes ``values["Name"]``.

    Yields
    ------
    str
        A line for each difference between what must come back and what does.
    """
    case = cases[name]
    for earlier in case.given:
        yield from replay(earlier, cases, invoke, values)
    outcome = invoke(case.function, filled_in(case.event, values))
    yield from (f"{name}: {line}" for line in differences(case.answer, outcome.answer, "answer"))
    if outcome.sends is not None:
        yield from (f"{name}: {line}" for line in differences(case.sends, outcome.sends, "sends"))


def filled_in(document: Json, values: Mapping[str, str]) -> Json:
    """Return a document with its placeholders replaced.

    Raises
    ------
    KeyError
        If there is no value for a placeholder.
    """
    if isinstance(document, str):
        return _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], document)
    if isinstance(document, list):
        return [filled_in(element, values) for element in document]
    if isinstance(document, dict):
        return {key: filled_in(value, values) for key, value in document.items()}
    return document


def differences(expected: Json, actual: Json, path: str) -> Iterator[str]:
    """Compare a value with what is expected of it.

    Parameters
    ----------
    expected
        A JSON value; ``{"$match": name}`` in it stands for whatever that matcher accepts, ``{"$json": value}`` for a
        string that holds this value as JSON.
    actual
        The value.
    path
        Where it stands, such as ``answer.body``.

    Yields
    ------
    str
        A line for each difference.
    """
    match expected, actual:
        case {"$match": str(matcher)}, _:
            if not _MATCHERS[matcher](actual):
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


def _text(pattern: str) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_MATCHERS: dict[str, Callable[[Json], bool]] = {
    "charge-id": _text(r"ch-[0-9a-f]{24}"),
    "count": lambda value: type(value) is int and value >= 0,
    "cursor": _text(r"[A-Za-z0-9_-]{20,}"),
    "message-id": _text(r"[0-9a-f]{12}-[0-9a-f]{16}"),
    "ticket": _text(r"[A-Za-z0-9_-]{43}"),
    "ticket-url": _text(r"wss?://[^?]+\?ticket=[A-Za-z0-9_-]{43}"),
    "timestamp": _text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
}


def _parts(value: Json) -> dict[str, Json]:
    if isinstance(value, dict):
        return {f".{key}": part for key, part in value.items()}
    return {f"[{index}]": part for index, part in enumerate(value)}


def _read(path: Path) -> Case:
    expected = json.loads(path.with_name(path.stem + _EXPECTED).read_text())
    return Case(
        name=f"{path.parent.name}/{path.stem}",
        about=expected["about"],
        given=tuple(expected.get("given", ())),
        event=json.loads(path.read_text()),
        answer=expected["answer"],
        sends=expected.get("sends", []),
    )


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        # What is no JSON is shown as the text that it is.
        return text


def _shown(value: Json) -> str:
    return "nothing" if value is _NOTHING else json.dumps(value, ensure_ascii=False, default=str)
