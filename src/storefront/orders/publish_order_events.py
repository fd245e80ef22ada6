"""The consumer of the orders table's stream.

Events are not written beside the state: a crash between the two would lose one. The stream
delivers each change of the table, at least once and in the order of an item's changes ("Change data capture for
DynamoDB Streams", Amazon DynamoDB Developer Guide).
"""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.orders.event import OrderEvent, event_of_change
from storefront.orders.event_bus import EventBus
from storefront.orders.order_item import order_of, status_of
from storefront.orders.queue import DeadLetterQueue
from storefront.shared.aws import client
from storefront.shared.observability import MetricUnit, count_fault, logger, metrics

_bus = EventBus(client("events"), os.environ["EVENT_BUS_NAME"])
_dead_letters = DeadLetterQueue(client("sqs"), os.environ["DEAD_LETTER_QUEUE_URL"])

_METRIC_OF_EVENT = {
    "OrderAccepted": "OrdersAccepted",
    "OrderConfirmed": "OrdersConfirmed",
    "OrderRejected": "OrdersRejected",
    "OrderRefunded": "OrdersRefunded",
}
_OUTCOMES = {"OrderConfirmed", "OrderRejected"}


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publish what has happened to orders, and count it."""
    read = [(record, _event_or_error(record)) for record in event["Records"]]
    told = [(position, found) for position, (_, found) in enumerate(read) if isinstance(found, OrderEvent)]
    first_failed = _bus.publish([order_event for _, order_event in told])
    # Records behind the first event that was not taken come again, and are dealt with then: once.
    end = len(read) if first_failed is None else told[first_failed][0]
    for record, found in read[:end]:
        if isinstance(found, OrderEvent):
            _count(found)
        elif found:
            _put_aside(record, found)
    return {"batchItemFailures": [] if first_failed is None else [_failure(*read[end])]}


def _failure(record: dict[str, Any], found: OrderEvent | Exception | None) -> dict[str, str]:
    """Return where the stream begins again: for a stream, the lowest sequence number named is where Lambda starts."""
    if isinstance(found, OrderEvent):
        # Still set is the id of the event before.
        logger.set_correlation_id(found.order.correlation_id)
        logger.error("event not published", extra={"order_id": found.order.key.order_id})
    count_fault()
    return {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}


def _event_or_error(record: dict[str, Any]) -> OrderEvent | Exception | None:
    try:
        return _event_of(record)
    except Exception as error:
        return error


def _put_aside(record: dict[str, Any], error: Exception) -> None:
    """Keep the key of a change that cannot be read: it would stop the stream for a day, and the table has the order."""
    key, sequence_number = record["dynamodb"]["Keys"], record["dynamodb"]["SequenceNumber"]
    logger.error("change not readable", extra={"key": key, "sequence_number": sequence_number}, exc_info=error)
    metrics.add_metric("OrderChangesNotReadable", MetricUnit.Count, 1)
    count_fault()
    _dead_letters.put_aside({"key": key, "sequenceNumber": sequence_number})


def _event_of(record: dict[str, Any]) -> OrderEvent | None:
    change = record["dynamodb"]
    # Only the status of the order before counts: an order that is mended has its event.
    before = status_of(change["OldImage"]) if "OldImage" in change else None
    return event_of_change(before, order_of(change["NewImage"]) if "NewImage" in change else None)


def _count(event: OrderEvent) -> None:
    logger.set_correlation_id(event.order.correlation_id)
    logger.info("event published", extra={"order_id": event.order.key.order_id, "event_type": event.type})
    metrics.add_metric(_METRIC_OF_EVENT[event.type], MetricUnit.Count, 1)
    if event.type in _OUTCOMES:
        metrics.add_metric("SecondsToOutcome", MetricUnit.Seconds, event.seconds_since_acceptance)
