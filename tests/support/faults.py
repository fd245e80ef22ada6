"""Faults on purpose: crashes between two steps, another actor in between, and errors of AWS services."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from tools.testing.aws_calls import AwsCall, Listener


class Crash(BaseException):
    """The process ends here: no `except Exception` sees it, as none would see a killed sandbox."""


class Trigger:
    """Does something at the n-th call of all objects it watches, once.

    Parameters
    ----------
    position
        Which call, from 0.
    action
        The fault.
    after
        Whether it happens when the call has had its effect, or before.
    """

    def __init__(self, position: int, action: Callable[[], None], *, after: bool = False) -> None:
        self._position = position
        self._action = action
        self._after = after
        self._calls = 0

    @property
    def reached(self) -> bool:
        """Whether there were as many calls."""
        return self._calls > self._position

    def watch(self, target: Any) -> Any:
        """Return `target`, watched."""
        return _Watched(target, self)

    def around(self, call: Callable[[], Any]) -> Any:
        """Make a call, with the action before or after it if it is the one."""
        mine = self._calls == self._position
        self._calls += 1
        if mine and not self._after:
            self._action()
        try:
            return call()
        finally:
            if mine and self._after:
                self._action()


class _Watched:
    def __init__(self, target: Any, trigger: Trigger) -> None:
        self._target = target
        self._trigger = trigger

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        return lambda *args, **kwargs: self._trigger.around(lambda: method(*args, **kwargs))


def every_position(action: Callable[[], None], *, after: bool = False) -> Iterator[Trigger]:
    """Iterate over triggers at the first call, the second, and so on until there was no such call any more."""
    position = 0
    while True:
        trigger = Trigger(position, action, after=after)
        yield trigger
        if not trigger.reached:
            return
        position += 1


def crash() -> None:
    """End the process."""
    raise Crash


def aws_error(code: str, operation: str = "AnyOperation", **extra: Any) -> ClientError:
    """Return the error that a service answers with."""
    return ClientError({"Error": {"Code": code, "Message": "injected"}, **extra}, operation)


def transaction_cancelled(*codes: str) -> ClientError:
    """Return DynamoDB's answer to a transaction that it did not carry out, with a reason for each write."""
    return aws_error(
        "TransactionCanceledException", "TransactWriteItems", CancellationReasons=[{"Code": code} for code in codes]
    )


def refusing(error: BaseException, *, operation: str | None = None) -> Listener:
    """Return a listener that raises an error for each call to AWS, or for those of one operation."""

    def refuse(call: AwsCall) -> None:
        if operation in (None, call.operation):
            raise error

    return refuse


class Failing:
    """A client whose operation fails a few times before it works.

    Parameters
    ----------
    client
        The client that works.
    operation
        The operation that fails.
    error
        The exception that it raises.
    times
        How often.
    """

    def __init__(self, client: Any, operation: str, error: Exception, times: int) -> None:
        self._client = client
        self._operation = operation
        self._error = error
        self.left = times

    def __getattr__(self, name: str) -> Any:
        if name == self._operation and self.left > 0:
            return self._fail
        return getattr(self._client, name)

    def _fail(self, **_: Any) -> Any:
        self.left -= 1
        raise self._error
