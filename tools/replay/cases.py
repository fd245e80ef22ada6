"""The cases: sample events, with what must come of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tools.console import Misuse
from tools.stack.stack import ROOT

EVENTS = ROOT / "events"

Json = Any

_EXPECTED = ".expected.json"
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


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
    writes
        Whether it asks AWS to change anything, what it sends included.
    """

    name: str
    about: str
    given: tuple[str, ...]
    event: Json
    answer: Json
    sends: Json
    writes: bool

    @property
    def function(self) -> str:
        """The function that the event is for."""
        return self.name.partition("/")[0]

    @property
    def placeholders(self) -> frozenset[str]:
        """What its event needs a value for."""
        return frozenset(_PLACEHOLDER.findall(json.dumps(self.event)))


def load(directory: Path = EVENTS) -> dict[str, Case]:
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


def chosen(wanted: str | None, cases: Mapping[str, Case]) -> list[Case]:
    """Return the cases that somebody asks for.

    Parameters
    ----------
    wanted
        A case's name, or a function's for all of its cases; nothing for all there are. A path to the file does, too.
    cases
        All cases.

    Raises
    ------
    Misuse
        There is no such case, and no such function.
    """
    if not wanted:
        return list(cases.values())
    name = wanted.strip("/").removeprefix("events/").removesuffix(_EXPECTED).removesuffix(".json")
    found = [case for case in cases.values() if name in (case.name, case.function)]
    if not found:
        names = [*cases, *sorted({case.function for case in cases.values()})]
        nearest = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "the folders of events/ have all there are"
        raise Misuse(f"there is no event {wanted!r}: {hint}")
    return found


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


def _read(path: Path) -> Case:
    expected = json.loads(path.with_name(path.stem + _EXPECTED).read_text())
    return Case(
        name=f"{path.parent.name}/{path.stem}",
        about=expected["about"],
        given=tuple(expected.get("given", ())),
        event=json.loads(path.read_text()),
        answer=expected["answer"],
        sends=expected.get("sends", []),
        writes=expected.get("writes", False),
    )
