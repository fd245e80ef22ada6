"""Where events are replayed, and how one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from tools.replay.cases import Case, Json, filled_in
from tools.replay.comparison import differences

_HOOKS = ("pre-traffic-hook", "post-traffic-hook")
_DEAD_LETTERS = ("place-order/payment-fails", "publish-order-events/unreadable")


@dataclass(frozen=True)
class Outcome:
    """What a function did; ``sends`` is ``None`` where nobody could see what it sent."""

    answer: Json
    sends: Json = None


Invoke = Callable[[str, Json], Outcome]


class Target(Protocol):
    """Where events are replayed."""

    def prepare(self, cases: Mapping[str, Case]) -> None:
        """Begin what these cases need and takes its time."""

    def why_not(self, case: Case, /) -> str | None:
        """Say why a case cannot be replayed here, if it cannot."""

    def replay(self, case: Case) -> Iterator[str]:
        """Replay a case and yield what is otherwise than it must be."""


def only_in_process(case: Case) -> str | None:
    """Say why a case cannot be replayed where what it sends goes out, if it cannot."""
    if case.function in _HOOKS:
        return "it needs a deployment of CodeDeploy"
    if case.name in _DEAD_LETTERS:
        return "it would leave a dead letter behind"
    if case.function == "deliver-order-status" and case.sends:
        # A frame that cannot be delivered is tried again; the answers of the other functions do not depend on it.
        return "it needs an open connection"
    return None


def replay(
    name: str,
    cases: Mapping[str, Case],
    invoke: Invoke,
    values: Mapping[str, str],
    invoke_given: Invoke | None = None,
) -> Iterator[str]:
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
    invoke_given
        Does the same for what the case builds on; ``invoke``, if it is left out.

    Yields
    ------
    str
        A line for each difference between what must come back and what does.
    """
    case = cases[name]
    for earlier in case.given:
        yield from replay(earlier, cases, invoke_given or invoke, values)
    outcome = invoke(case.function, filled_in(case.event, values))
    yield from (f"{name}: {line}" for line in differences(case.answer, outcome.answer, "answer"))
    if outcome.sends is not None:
        yield from (f"{name}: {line}" for line in differences(case.sends, outcome.sends, "sends"))


def with_given(cases: Mapping[str, Case], everything: Mapping[str, Case]) -> dict[str, Case]:
    """Return cases, and those that they build on."""
    found = dict(cases)
    for case in cases.values():
        found |= with_given({name: everything[name] for name in case.given}, everything)
    return found


def answer_of(payload: Json) -> Json:
    """Return what a function answered; of an error, no more than is the same wherever it runs."""
    if isinstance(payload, dict) and "errorType" in payload:
        return {name: payload[name] for name in ("errorMessage", "errorType")}
    return payload
