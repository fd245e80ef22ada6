"""Writes that meet others, and writes whose conditions do not hold."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from storefront.shared.dynamodb import Refused, insist, insist_on_batch
from storefront.shared.errors import Overloaded
from tests.support.faults import aws_error, transaction_cancelled

PAUSES = (0.1, 0.2, 0.4)


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


class Attempts:
    """A call that fails with these errors, one after the other, and then works."""

    def __init__(self, *errors: Exception) -> None:
        self._errors: Iterator[Exception] = iter(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        for error in self._errors:
            raise error
        return "the answer"


@pytest.mark.parametrize(
    "error",
    [
        aws_error("TransactionConflictException"),
        transaction_cancelled("None", "TransactionConflict"),
        transaction_cancelled("ThrottlingError", "None"),
        transaction_cancelled("ProvisionedThroughputExceeded"),
        transaction_cancelled("None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"),
    ],
    ids=str,
)
def test_what_passes_is_tried_again_after_growing_pauses(error: ClientError, waited: list[float]) -> None:
    attempts = Attempts(error, error)

    assert insist(attempts, PAUSES) == "the answer"

    assert attempts.made == 3
    assert all(longest / 5 <= pause <= longest for pause, longest in zip(waited, PAUSES, strict=False))
    assert len(waited) == 2


@pytest.mark.parametrize(("chosen", "pause"), [(min, 0.02), (max, 0.1)])
def test_a_pause_is_between_a_fifth_and_the_whole(
    monkeypatch: pytest.MonkeyPatch, waited: list[float], chosen: Callable[..., float], pause: float
) -> None:
    monkeypatch.setattr("random.uniform", chosen)

    insist(Attempts(aws_error("TransactionConflictException")), PAUSES)

    assert waited == [pause]


def test_after_the_last_attempt_nobody_waits(waited: list[float]) -> None:
    attempts = Attempts(*[aws_error("TransactionConflictException")] * 9)

    with pytest.raises(Overloaded, match=r"^DynamoDB was busy with others at every attempt$"):
        insist(attempts, PAUSES)

    assert (attempts.made, len(waited)) == (4, 3)


@pytest.mark.parametrize(
    "error",
    [
        aws_error("ThrottlingException"),
        aws_error("AccessDeniedException"),
        transaction_cancelled("None", "ValidationError"),
        transaction_cancelled("TransactionConflict", "ItemCollectionSizeLimitExceeded"),
        aws_error("TransactionCanceledException"),
    ],
    ids=str,
)
def test_another_failure_is_passed_on(error: ClientError) -> None:
    attempts = Attempts(error)

    with pytest.raises(ClientError) as raised:
        insist(attempts, PAUSES)

    assert (raised.value, attempts.made) == (error, 1)


@pytest.mark.parametrize(
    ("error", "positions"),
    [
        (aws_error("ConditionalCheckFailedException"), {0}),
        (transaction_cancelled("None", "ConditionalCheckFailed"), {1}),
        (transaction_cancelled("ConditionalCheckFailed", "None", "ConditionalCheckFailed"), {0, 2}),
        (transaction_cancelled("TransactionConflict", "ConditionalCheckFailed"), {1}),
        (transaction_cancelled("ConditionalCheckFailed", "ValidationError"), {0}),
    ],
    ids=str,
)
def test_a_condition_that_does_not_hold_is_not_tried_again(error: ClientError, positions: set[int]) -> None:
    attempts = Attempts(error)

    with pytest.raises(Refused) as refused:
        insist(attempts, PAUSES)

    assert (set(refused.value.positions), attempts.made) == (positions, 1)
    assert str(refused.value) == f"the condition does not hold for the writes at {sorted(positions)}"
    assert [refused.value.item(position) for position in positions] == [{}] * len(positions)


def test_a_refusal_has_the_item_that_is_in_the_way() -> None:
    item = {"version": {"N": "7"}}
    single = Attempts(aws_error("ConditionalCheckFailedException", Item=item))
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": item}]
    transaction = Attempts(aws_error("TransactionCanceledException", CancellationReasons=reasons))

    with pytest.raises(Refused) as of_single:
        insist(single, PAUSES)
    with pytest.raises(Refused) as of_transaction:
        insist(transaction, PAUSES)

    assert of_single.value.item() == of_transaction.value.item(1) == item


def test_what_a_batch_leaves_over_is_asked_for_again() -> None:
    asked: list[Any] = []

    def all_but_the_first(requests: Any) -> Any:
        asked.append(requests)
        return requests[1:]

    insist_on_batch(all_but_the_first, [1, 2, 3], PAUSES)

    assert asked == [[1, 2, 3], [2, 3], [3]]


def test_what_a_batch_always_leaves_over_means_overload() -> None:
    with pytest.raises(Overloaded):
        insist_on_batch(lambda requests: requests, [1], PAUSES)
