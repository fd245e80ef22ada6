"""The cases: sample events, with what must come of each."""

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
    """A sample event, ``<function>/<case>``, with the parts of its files that `events/README.md` describes."""

    name: str
    about: str
    given: "tuple[Case, ...]"
    event: Json
    answer: Json
    sends: Json
    writes: bool

    @property
    def function(self) -> str:
        """The function that the event is for."""
        return self.name.partition("/")[0]

    @property
    def chain(self) -> "list[Case]":
        """The cases that it builds on, in the order in which they happen, and the case itself."""
        return [case for given in self.given for case in given.chain] + [self]

    @property
    def placeholders(self) -> frozenset[str]:
        """The placeholders in its event."""
        return frozenset(_PLACEHOLDER.findall(json.dumps(self.event)))


def load(directory: Path = EVENTS) -> dict[str, Case]:
    """Read all cases of the folder that has a folder for each function; return them by their names."""
    cases: dict[str, Case] = {}

    def read(name: str) -> Case:
        if name not in cases:
            expected = json.loads((directory / f"{name}{_EXPECTED}").read_text())
            cases[name] = Case(
                name=name,
                about=expected["about"],
                given=tuple(map(read, expected.get("given", ()))),
                event=json.loads((directory / f"{name}.json").read_text()),
                answer=expected["answer"],
                sends=expected.get("sends", []),
                writes=expected.get("writes", False),
            )
        return cases[name]

    paths = sorted(path for path in directory.glob("*/*.json") if not path.name.endswith(_EXPECTED))
    return {name: read(name) for name in (f"{path.parent.name}/{path.stem}" for path in paths)}


def chosen(wanted: str | None, cases: Mapping[str, Case]) -> list[Case]:
    """Return a case by its name or by the path to its file, all of a function by the function's, or all there are.

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
    """Return a document with its placeholders replaced: ``${Name}`` becomes ``values["Name"]``.

    Raises
    ------
    KeyError
        There is no value for a placeholder.
    """
    if isinstance(document, str):
        return _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], document)
    if isinstance(document, list):
        return [filled_in(element, values) for element in document]
    if isinstance(document, dict):
        return {key: filled_in(value, values) for key, value in document.items()}
    return document
