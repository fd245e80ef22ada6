"""Conditional writes to DynamoDB: which failures pass in a moment, and which conditions do not hold.

A single write that meets a transaction, or whose condition does not hold, is refused by an error of that name. A
transaction is refused by a list of reasons, one for each of its writes in their order ("TransactWriteItems", Amazon
DynamoDB API Reference). Callers see one vocabulary for both: a single write is a transaction of one.

botocore retries none of these: a conflict between two writers is the application's to resolve ("Amazon DynamoDB
Transactions: How it works", Amazon DynamoDB Developer Guide).
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from storefront.shared.errors import Overloaded

Reason = Mapping[str, Any]
Result = TypeVar("Result")

_REFUSED = "ConditionalCheckFailed"

# A write without a reason of its own was cancelled with the others.
_PASSING_REASONS = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class Refused(Exception):
    """The conditions of some writes do not hold, so nothing was written.

    Parameters
    ----------
    reasons
        The reason of each write, in the order of the writes.

    Attributes
    ----------
    positions
        The positions of the refused writes; a single write is at 0.
    """

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.positions = frozenset(
            position for position, reason in enumerate(reasons) if reason.get("Code") == _REFUSED
        )
        super().__init__(f"the condition does not hold for the writes at {sorted(self.positions)}")
        self._reasons = reasons

    def item(self, position: int = 0) -> Mapping[str, Any]:
        """Return the item that a refused write has found; empty without one.

        The write has to ask for it: `ReturnValuesOnConditionCheckFailure="ALL_OLD"`.
        """
        item: Mapping[str, Any] = self._reasons[position].get("Item") or {}
        return item


class _Unfinished(Exception):
    """DynamoDB left over a part of a batch."""


def insist(attempt: Callable[[], Result], pauses: Sequence[float]) -> Result:
    """Make a call, again while it meets other writers, and return its result.

    Parameters
    ----------
    attempt
        Makes the call once.
    pauses
        The longest pause after each attempt but the last, in seconds. The real ones are shorter, each by chance.

    Raises
    ------
    Refused
        A condition does not hold. Another attempt would not change that.
    Overloaded
        Each attempt met others.
    """
    for pause in (*pauses, None):
        try:
            return attempt()
        except _Unfinished:
            pass
        except ClientError as error:
            _raise_unless_passing(error)
        if pause:
            time.sleep(random.uniform(pause / 5, pause))  # noqa: S311 - jitter, not a secret
    raise Overloaded("DynamoDB was busy with others at every attempt")


def insist_on_batch(attempt: Callable[[Any], Any], requests: Any, pauses: Sequence[float]) -> None:
    """Make a batch call, again for what DynamoDB leaves over ("BatchWriteItem", Amazon DynamoDB API Reference).

    Parameters
    ----------
    attempt
        Makes the call for some requests once, and returns those that DynamoDB left unprocessed.
    requests
        All of them, by their table.
    pauses
        As for `insist`.

    Raises
    ------
    Overloaded
        There was still something left over after the last attempt.
    """
    left = requests

    def attempt_what_is_left() -> None:
        nonlocal left
        left = attempt(left)
        if left:
            raise _Unfinished

    insist(attempt_what_is_left, pauses)


def _raise_unless_passing(error: ClientError) -> None:
    reasons = _reasons_of(error)
    codes = {reason.get("Code") for reason in reasons}
    if _REFUSED in codes:
        raise Refused(reasons) from error
    if not codes or not codes <= _PASSING_REASONS:
        raise error


def _reasons_of(error: ClientError) -> Sequence[Reason]:
    """Return the reason of each write; none for an error of another kind."""
    response: Any = error.response
    match response["Error"]["Code"]:
        case "TransactionCanceledException":
            reasons: Sequence[Reason] = response.get("CancellationReasons", ())
            return reasons
        case "ConditionalCheckFailedException":
            return ({"Code": _REFUSED, "Item": response.get("Item")},)
        case "TransactionConflictException":
            return ({"Code": "TransactionConflict"},)
    return ()
