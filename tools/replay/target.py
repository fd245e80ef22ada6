"""Where events are replayed, and how one is, the same everywhere."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from tools.replay.cases import Case, Json, filled_in
from tools.replay.comparison import differences

_HOOKS = ("pre-traffic-hook", "post-traffic-hook")
_DEAD_LETTERS = ("place-order/payment-fails", "publish-order-events/unreadable")


@dataclass(frozen=True)
class Outcome:
    """The outcome of an invocation; ``sends`` is ``None`` where nobody could see what it sent."""

    answer: Json
    sends: Json = None

    @classmethod
    def told(cls, payload: Json) -> Self:
        """Return the outcome of Lambda's answer; of an error, only what is the same wherever the function runs."""
        if isinstance(payload, dict) and "errorType" in payload:
            return cls({name: payload[name] for name in ("errorMessage", "errorType")})
        return cls(payload)


Invoke = Callable[[str, Json], Outcome]  # calls a function by its name; without an answer, it raises a `Problem`


@dataclass(frozen=True)
class Target:
    """Where events are replayed: why a case cannot be, if it cannot, and the differences of one that is."""

    why_not: Callable[[Case], str | None]
    replay: Callable[[Case], Iterator[str]]


def only_in_process(case: Case) -> str | None:
    """Say why a case cannot be replayed where its messages go out, if it cannot."""
    if case.function in _HOOKS:
        return "it needs a deployment of CodeDeploy"
    if case.name in _DEAD_LETTERS:
        return "it would leave a dead letter behind"
    if case.function == "deliver-order-status" and case.sends:
        # A frame that cannot be delivered is tried again; the answers of the other functions do not depend on it.
        return "it needs an open connection"
    return None


def replay(case: Case, invoke: Invoke, values: Mapping[str, str], invoke_given: Invoke | None = None) -> Iterator[str]:
    """Replay a case after those that it builds on, and yield a line for each difference.

    ``values`` are the placeholders'. ``invoke_given``, if there is one, calls the functions of the cases before.
    """
    for each in case.chain:
        call = invoke if each is case else invoke_given or invoke
        outcome = call(each.function, filled_in(each.event, values))
        yield from (f"{each.name}: {line}" for line in differences(each.answer, outcome.answer, "answer"))
        if outcome.sends is not None:
            yield from (f"{each.name}: {line}" for line in differences(each.sends, outcome.sends, "sends"))
