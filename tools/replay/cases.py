"""The cases: sample events, with what must come of each."""

import json
import re
from collections.abc import Collection, Mapping
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
_IDS = (
    r"\b(ord-[a-z2-7]{32})",
    r"\b(sample-[a-z0-9-]+)",  # a charge's idempotency key
    r'"connectionId": "([^"]+)"',
    r'"partnerId": (?:\{"stringValue": )?"([^"]+)"',
    # A customer's. In bodies, which are JSON in JSON, the quotes are escaped.
    r'\b(?:sub|customerId)\\*": ?(?:\{\\*"S\\*": ?)?\\*"([^"\\]+)',
)


@dataclass(frozen=True)
class Case:
    """A sample event, ``<function>/<case>``, with the parts of its files that `events/README.md` describes."""

    name: str
    event: Json
    given: "tuple[Case, ...]"
    about: str
    answer: Json
    sends: Json
    writes: bool = False

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


class Named:
    """The ids that cases name, and the products that they write.

    Nobody else has these ids: all that is stored for them may be deleted.
    """

    def __init__(self, cases: Collection[Case]) -> None:
        # The ids of orders stand in the answers.
        text = json.dumps([[case.event, case.answer, case.sends] for case in cases])
        self.ids = frozenset(name for pattern in _IDS for name in re.findall(pattern, text))
        edits = (case for case in cases if case.function == "put-product")
        written = (case for case in edits if case.answer.get("statusCode") in (200, 201))
        self.products = sorted({case.event["pathParameters"]["sku"] for case in written})

    def has(self, *keys: str) -> bool:
        """Tell whether an item with these keys is stored for somebody whom the cases name."""
        return any(name in key for key in keys for name in self.ids)


def load(directory: Path = EVENTS) -> dict[str, Case]:
    """Read all cases of the folder that has a folder for each function; return them by their names."""
    cases: dict[str, Case] = {}

    def read(name: str) -> Case:
        if name not in cases:
            expected = json.loads((directory / f"{name}{_EXPECTED}").read_text())
            given = tuple(map(read, expected.pop("given", ())))
            event = json.loads((directory / f"{name}.json").read_text())
            cases[name] = Case(name, event, given, **{"sends": [], **expected})
        return cases[name]

    paths = sorted(path for path in directory.glob("*/*.json") if not path.name.endswith(_EXPECTED))
    return {name: read(name) for name in (f"{path.parent.name}/{path.stem}" for path in paths)}


def chosen(wanted: str | None, cases: Mapping[str, Case]) -> list[Case]:
    """Return a case by its name or by the path to its file, all of a function by the function's, or all there are."""
    if not wanted:
        return list(cases.values())
    name = wanted.strip("/").removeprefix("events/").removesuffix(_EXPECTED).removesuffix(".json")
    found = [case for case in cases.values() if name in (case.name, case.function)]
    if not found:
        names = [*cases, *sorted({case.function for case in cases.values()})]
        nearest = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "the folders of events/ have all there are"
        raise Misuse(f"no event is called {wanted!r}: {hint}")
    return found


def filled_in(document: Json, values: Mapping[str, str]) -> Json:
    """Return a document with a value for each placeholder ``${Name}``; raise ``KeyError`` if there is none."""
    if isinstance(document, str):
        return _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], document)
    if isinstance(document, list):
        return [filled_in(element, values) for element in document]
    if isinstance(document, dict):
        return {key: filled_in(value, values) for key, value in document.items()}
    return document
