"""Working through a batch of messages from a queue.

Each message of a batch succeeds or fails by itself: the answer names those that failed, and SQS keeps them
("Implementing partial batch responses", AWS Lambda Developer Guide). Whatever the failure, the message comes again
after a growing pause and goes to the dead-letter queue after the fifth time.
"""

import random
from collections.abc import Callable
from typing import Any, Protocol

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.shared.faults import count_fault_in
from storefront.shared.observability import MetricUnit, logger, metrics
from storefront.shared.queue import correlation_id_of

Record = dict[str, Any]


class Queue(Protocol):
    """The queue that the messages come from."""

    def hide(self, receipt_handle: str, seconds: int) -> None: ...  # noqa: D102


class OutOfTime(Exception):
    """The invocation has no time left for another message."""


class BatchConsumer:
    """Does the same with each message of a batch.

    Parameters
    ----------
    work
        Deals with one message and returns what the log should tell of it.
    queue
        Where a failed message waits until it comes again.
    subject
        A message's subject in a log line: `order`.
    failures_metric
        Counts the messages that will come again.
    reserve_ms
        The time that the slowest message takes: no message is begun with less of it left.
    retry_seconds
        The pause before a failed message comes again; it doubles with each time.
    expected
        Failures that need no traceback.
    """

    def __init__(
        self,
        work: Callable[[Record], dict[str, Any]],
        queue: Queue,
        *,
        subject: str,
        failures_metric: str,
        reserve_ms: float,
        retry_seconds: int,
        expected: tuple[type[Exception], ...] = (),
    ) -> None:
        self._work = work
        self._queue = queue
        self._subject = subject
        self._failures_metric = failures_metric
        self._reserve_ms = reserve_ms
        self._retry_seconds = retry_seconds
        self._expected: tuple[type[Exception], ...] = (OutOfTime, *expected)

    def consume(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Deal with the messages of an event and return Lambda's answer, which names those that failed."""
        failed = [record["messageId"] for record in event["Records"] if not self._succeeds(record, context)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _succeeds(self, record: Record, context: LambdaContext) -> bool:
        logger.set_correlation_id(correlation_id_of(record))
        try:
            self._check_time(context)
            told = self._work(record)
        except Exception as error:
            # Nothing is swallowed: the message stays in the queue, and the reason in the log.
            expected = isinstance(error, self._expected)
            logger.warning(f"{self._subject} not processed", extra={"reason": str(error)}, exc_info=not expected)
            metrics.add_metric(self._failures_metric, MetricUnit.Count, 1)
            if not expected:
                count_fault_in(error)
            self._wait_longer_each_time(record)
            return False
        logger.info(f"{self._subject} processed", extra=told)
        return True

    def _check_time(self, context: LambdaContext) -> None:
        if context.get_remaining_time_in_millis() < self._reserve_ms:
            raise OutOfTime("no time left in this invocation")

    def _wait_longer_each_time(self, record: Record) -> None:
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        longest = self._retry_seconds * 2 ** (receives - 1)
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
        try:
            self._queue.hide(record["receiptHandle"], round(pause))
        except Exception:
            # The message comes again all the same, after the queue's own visibility timeout.
            logger.exception("could not set the pause before the next try")
