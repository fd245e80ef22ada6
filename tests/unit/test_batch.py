"""Batches: a message that fails waits longer each time, is named in the answer, logged and counted."""

import io
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from storefront.orders.queue import DeadLetterQueue
from storefront.shared.batch import BatchConsumer
from storefront.shared.errors import NotFound
from storefront.shared.observability import metrics
from tools.testing.aws import Aws
from tools.testing.events import Context, sqs_record


class Queue:
    def __init__(self) -> None:
        self.hidden: list[tuple[str, int]] = []

    def hide(self, receipt_handle: str, seconds: int) -> None:
        self.hidden.append((receipt_handle, seconds))


def consumer(queue: Queue, error: Exception | None) -> BatchConsumer:
    def work(record: Any) -> dict[str, Any]:
        if error:
            raise error
        return {"order_id": "ord-1"}

    return BatchConsumer(
        work, queue, subject="order", failures_metric="Failed", reserve_ms=1000, retry_seconds=20, expected=(NotFound,)
    )  # fmt: skip


def consume(queue: Queue, error: Exception | None, *records: dict[str, Any], left: int = 30_000) -> list[str]:
    answer = consumer(queue, error).consume({"Records": list(records)}, Context(remaining_milliseconds=left))  # type: ignore[arg-type]
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_message_that_is_dealt_with_is_told_and_not_named(log: io.StringIO) -> None:
    queue = Queue()

    assert consume(queue, None, sqs_record({}), left=1000) == []
    assert queue.hidden == []
    line = json.loads(log.getvalue())
    assert (line["message"], line["order_id"]) == ("order processed", "ord-1")


@pytest.mark.parametrize(("receives", "pauses"), [(1, (10, 20)), (2, (20, 40)), (4, (80, 160))])
@pytest.mark.parametrize("chosen", [min, max])
def test_a_message_that_fails_waits_longer_each_time(
    monkeypatch: pytest.MonkeyPatch, receives: int, pauses: tuple[int, int], chosen: Callable[..., float]
) -> None:
    monkeypatch.setattr("random.uniform", chosen)
    queue, failed = Queue(), sqs_record({}, receives=receives)

    assert consume(queue, NotFound("No such thing."), failed) == [failed["messageId"]]

    assert queue.hidden == [(failed["receiptHandle"], chosen(pauses))]
    metrics.clear_metrics()


@pytest.mark.parametrize(("error", "traceback"), [(NotFound("No such thing."), False), (KeyError("a bug"), True)])
def test_a_failure_is_logged_with_its_traceback_where_nobody_expects_it(
    log: io.StringIO, error: Exception, traceback: bool
) -> None:
    consume(Queue(), error, sqs_record({}))

    line = json.loads(log.getvalue())
    assert (line["message"], line["reason"]) == ("order not processed", str(error))
    assert ("exception" in line) is traceback
    assert metrics.metric_set["Failed"]["Value"] == [1.0]
    assert metrics.metric_set["Failed"]["Unit"] == "Count"
    metrics.clear_metrics()


def test_no_message_is_begun_with_too_little_time_left(log: io.StringIO) -> None:
    late = sqs_record({})

    assert consume(Queue(), None, late, left=999) == [late["messageId"]]
    assert json.loads(log.getvalue())["reason"] == "no time left in this invocation"
    metrics.clear_metrics()


def test_a_dead_letter_is_kept_as_json(aws: Aws) -> None:
    url = os.environ["DEAD_LETTER_QUEUE_URL"]

    DeadLetterQueue(aws.sqs, url).put_aside({"key": {"S": "1"}})

    assert json.loads(aws.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"]) == {"key": {"S": "1"}}
