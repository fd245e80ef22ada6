"""Replaying one case, whatever runs the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from local.replay.cases import Case, Json, filled_in
from local.replay.comparison import differences


@dataclass(frozen=True)
class Outcome:
    """What a function did; ``sends`` is ``None`` where nobody could see what it sent."""

    answer: Json
    sends: Json = None


Invoke = Callable[[str, Json], Outcome]


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
