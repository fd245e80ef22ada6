"""The steps that a history is made of, as hypothesis draws them."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.histories.process import Fate, Fates
from tests.unit.histories.world import BODIES, World

# The fates of a call of an operation. Most often somebody overtakes it, or the answer is odd.
_ANY = [Fate.HELD] * 4 + [Fate.CRASHED_BEFORE, Fate.THROTTLED]
_READ = [*_ANY, Fate.STALE]
_WRITE = [*_ANY, Fate.CRASHED_AFTER, Fate.LOST, Fate.TWICE]
_ODD = [Fate.HOLLOW, Fate.CONTRADICTORY] * 3
_FATES = {
    "GetItem": _READ,
    "BatchGetItem": [*_READ, Fate.HOLLOW],
    "PutItem": [*_WRITE, Fate.CONFLICT],
    "UpdateItem": [*_WRITE, Fate.CONFLICT],
    "TransactWriteItems": [*_WRITE, Fate.CONFLICT],
    "SendMessage": _WRITE,
    "DeleteMessage": _WRITE,
    "PutEvents": [*_WRITE, *_ODD],
    "charge": [*_WRITE, Fate.CONFLICT, *_ODD],
    "look up": [*_WRITE, Fate.CONFLICT, *_ODD],
    "cancel": [*_WRITE, Fate.CONFLICT, *_ODD],
}


class Step:
    """Something that happens: a method of the world, and what it is called with."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        self.name = name
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"

    def take(self, world: World) -> None:
        getattr(world, self.name)(**self.arguments)


def _fates(*operations: str) -> st.SearchStrategy[Fates]:
    """Return fates of a function's calls: of none, one or two."""
    none: list[Fates] = [{}]
    fates: list[Fates] = [{operation: fate} for operation in operations for fate in _FATES[operation]]
    some = st.sampled_from(none * len(fates) + fates)
    return st.builds(lambda one, other: {**one, **other}, some, some)


_number = st.integers(0, 3)
_body = st.integers(0, len(BODIES) - 1)
_delivery = {"number": _number, "count": st.integers(1, 2), "again": st.booleans()}
_acceptance = "BatchGetItem", "PutItem", "SendMessage"
_settlement = "GetItem", "TransactWriteItems", "UpdateItem"
_provider = "charge", "look up", "cancel"

_ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "place": {
        "customer": st.sampled_from(["anna", "ben"]),
        "key": st.sampled_from(["key-1", "key-2"]),
        "body": _body,
        "fates": _fates(*_acceptance),
    },
    "hand_in_partner_order": {"reference": st.sampled_from(["ref-1", "ref-2"]), "body": _body | st.none()},
    "take_in_partner_orders": {**_delivery, "fates": _fates(*_acceptance, "UpdateItem")},
    "process": {**_delivery, "fates": _fates(*_settlement, *_provider)},
    "go_on": {"number": _number, "fates": _fates(*_acceptance, *_settlement, *_provider)},
    "reconcile": {
        "hours": st.sampled_from([1, 12]),
        "lag": st.integers(0, 2),
        "fates": _fates("SendMessage", *_settlement, *_provider),
    },
    "decide": {"number": _number, "status": st.sampled_from(["approved", "declined"])},
    "notify": {"number": _number, "again": st.booleans(), "fates": _fates(*_settlement)},
    "ask_for_refund": {"number": _number, "key": st.sampled_from(["key-1", "key-2"])},
    "refund": {"number": _number, "lost": st.booleans(), "fates": _fates(*_settlement, "cancel")},
    "stop_refund": {"number": _number},
    "lose": {"number": _number},
    "redrive": {"number": _number, "fates": _fates("SendMessage", "DeleteMessage")},
    "publish": {"count": st.integers(1, 5), "again": st.booleans(), "fates": _fates("PutEvents")},
}
# How often each comes.
_WEIGHTS = {
    "place": 4,
    "hand_in_partner_order": 1,
    "take_in_partner_orders": 2,
    "process": 8,
    "go_on": 4,
    "reconcile": 5,
    "decide": 3,
    "notify": 2,
    "ask_for_refund": 2,
    "refund": 6,
    "stop_refund": 1,
    "lose": 1,
    "redrive": 1,
    "publish": 1,
}
_names = st.sampled_from([name for name, weight in _WEIGHTS.items() for _ in range(weight)])
_arguments = {name: st.fixed_dictionaries(arguments) for name, arguments in _ARGUMENTS.items()}


@st.composite
def _steps(draw: st.DrawFn) -> Step:
    name = draw(_names)
    return Step(name, draw(_arguments[name]))


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Return a strategy of histories, of some 25 steps on average.

    They are drawn in parts: one list with as many steps is seldom drawn, and of a given length it shrinks badly.
    """
    return [step for part in draw(st.lists(st.lists(_steps(), max_size=10), max_size=10)) for step in part]
