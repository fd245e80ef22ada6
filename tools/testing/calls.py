"""The record of the AWS calls that the functions make while the unit tests run: tests/calls.json.

tests/support/call_recorder.py compares a run with it and, for `storefront calls`, writes it anew. Other tests
compare it with what the roles allow (tests/template/test_calls.py).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tools.testing.template import ROOT

RECORD = ROOT / "tests" / "calls.json"


@dataclass(frozen=True, order=True)
class Call:
    """Something that a function does; ``leading_key`` is the first part of a partition key that has parts: `room#`."""

    function: str
    action: str
    resource: str
    leading_key: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.resource} {self.leading_key}".rstrip()


Calls = dict[Call, set[str]]


def recorded() -> Calls:
    """Return the calls in tests/calls.json with the tests that make them."""
    return {
        Call(function, *text.split(" ")): set(seen)
        for function, made in json.loads(RECORD.read_text()).items()
        for text, seen in made.items()
    }


def differences(before: Calls, now: Calls, *, whole: bool) -> Iterator[str]:
    """Yield where the calls of a run are not those of the record; a run of some tests need not make them all."""
    for call in sorted(now.keys() - before.keys()):
        yield f"+ {call.function}: {call}"
    if whole:
        for call in sorted(before.keys() - now.keys()):
            yield f"- {call.function}: {call}"
        for call in sorted(each for each in before.keys() & now.keys() if before[each] != now[each]):
            yield f"~ {call.function}: {call} is now seen in {', '.join(sorted(now[call]))}"


def write(calls: Calls) -> None:
    """Write the record."""
    record: dict[str, dict[str, list[str]]] = {}
    for call in sorted(calls):
        record.setdefault(call.function, {})[str(call)] = sorted(calls[call])
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
