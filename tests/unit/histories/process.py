"""A function at work, which can be held, and to whose calls to the outside anything may happen."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol

from greenlet import greenlet

from tests.support.faults import Crash


class Fate(StrEnum):
    """The fate of one call of a function."""

    OK = "the call is answered"
    HELD = "the function stands still before the call; whatever happens meanwhile is not its doing"
    CRASHED_BEFORE = "the function is killed before the call"
    CRASHED_AFTER = "the function is killed when the call has had its effect"
    THROTTLED = "the service is overloaded and refuses the call"
    CONFLICT = "a write meets another writer; the provider fails"
    LOST = "the call has its effect, and its answer is lost"
    TWICE = "the answer is lost, and the client sends the call again"
    STALE = "the read lags behind, unless it has to be consistent"
    HOLLOW = "the answer is neither a success nor an error: nothing is done"
    CONTRADICTORY = "the call has its effect, and the answer's code says otherwise"

    def __repr__(self) -> str:
        return str(f"Fate.{self.name}")


# Fates of a function's next calls, by their operation; all others are answered.
Fates = Mapping[str, Fate]


class Service(Protocol):
    """A service that functions call."""

    lost: Exception

    def perform(self, operation: str, parameters: Any, lag: int = 0) -> Any:
        """Carry a call out."""

    def refuse(self, operation: str, parameters: Any, *, conflict: bool) -> Any:
        """Raise, or return, what is answered to a call that is not carried out."""

    def repeat(self, operation: str, parameters: Any) -> Any:
        """Carry out a call that is sent twice, and return the second answer."""

    def hollow(self, operation: str, parameters: Any) -> Any:
        """Return an answer that says nothing."""

    def contradict(self, operation: str, parameters: Any) -> Any:
        """Carry a call out, and return an answer that contradicts itself."""


_LAG = 3


class Process:
    """One invocation of a function, which others can overtake.

    Parameters
    ----------
    work
        The invocation.
    ended
        Is told what it returned, `None` where it was killed or failed.

    Attributes
    ----------
    failure
        The error that it failed with, or `None`.
    """

    def __init__(self, work: Callable[[], Any], ended: Callable[[Any], None]) -> None:
        self._ended = ended
        self._fates: dict[str, Fate] = {}
        self._greenlet = greenlet(lambda: self._result(work))
        self.failure: Exception | None = None

    def go_on(self, fates: Fates) -> bool:
        """Run on until the end, or until it is held; tell whether it has ended."""
        self._fates = {**fates}
        result = self._greenlet.switch()
        if self._greenlet.dead:
            self._ended(result)
        return bool(self._greenlet.dead)

    def kill(self) -> None:
        """End here, where it is held."""
        self._ended(self._greenlet.throw(Crash))

    def call(self, service: Service, operation: str, parameters: Any) -> Any:
        """Make a call to the outside, which meets its fate."""
        fate = self._fates.pop(operation, Fate.OK)
        while fate is Fate.HELD:
            self._greenlet.parent.switch()
            fate = self._fates.pop(operation, Fate.OK)
        return _meet(fate, service, operation, parameters)

    def _result(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Crash:
            return None
        except Exception as error:
            self.failure = error
            return None


def _meet(fate: Fate, service: Service, operation: str, parameters: Any) -> Any:
    match fate:
        case Fate.CRASHED_BEFORE:
            raise Crash
        case Fate.CRASHED_AFTER:
            service.perform(operation, parameters)
            raise Crash
        case Fate.LOST:
            service.perform(operation, parameters)
            raise service.lost
        case Fate.THROTTLED | Fate.CONFLICT:
            return service.refuse(operation, parameters, conflict=fate is Fate.CONFLICT)
        case Fate.TWICE:
            return service.repeat(operation, parameters)
        case Fate.HOLLOW:
            return service.hollow(operation, parameters)
        case Fate.CONTRADICTORY:
            return service.contradict(operation, parameters)
    return service.perform(operation, parameters, _LAG if fate is Fate.STALE else 0)
