"""The consumer of the orders queue.

Each message of a batch succeeds or fails by itself: the answer names those that failed, and SQS keeps them
("Implementing partial batch responses", AWS Lambda Developer Guide). Whatever the failure, the message comes again
after a growing pause and goes to the dead-letter queue after the fifth time.
"""

import os
import random
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.orders.order import Order
from storefront.orders.payment import PaymentUnresolved
from storefront.orders.payment_provider import WORST_CASE_SECONDS, PaymentProvider
from storefront.orders.processing import process_order
from storefront.orders.queue import OrderQueue, correlation_id_of, order_key_of
from storefront.orders.store import OrderStore
from storefront.shared.aws import client
from storefront.shared.configuration import parameter, secret
from storefront.shared.observability import MetricUnit, logger, metrics

_orders = OrderStore(client("dynamodb"), os.environ["ORDERS_TABLE"], os.environ["PRODUCTS_TABLE"])
_queue = OrderQueue(client("sqs"), os.environ["ORDERS_QUEUE_URL"])
_payments = PaymentProvider(lambda: parameter("PAYMENTS_URL_PARAMETER"), lambda: secret("PAYMENTS_SECRET_ARN"))
_retry_seconds = int(os.environ["RETRY_AFTER_SECONDS"])

# An order is begun only while there is time to end it: the provider at its slowest, and some seconds for the tables.
_LONGEST_ORDER_MILLISECONDS = (WORST_CASE_SECONDS + 5) * 1000


class OutOfTime(Exception):
    """The invocation has no time left for another order."""


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Process the orders of a batch."""
    failed = [record["messageId"] for record in event["Records"] if not _succeeds(record, context)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _succeeds(record: dict[str, Any], context: LambdaContext) -> bool:
    logger.set_correlation_id(correlation_id_of(record))
    try:
        order = _process(record, context)
    except Exception as error:
        # Nothing is swallowed: the message stays in the queue, and the reason in the log.
        expected = isinstance(error, PaymentUnresolved | OutOfTime)
        logger.warning("order not processed", extra={"reason": str(error)}, exc_info=not expected)
        metrics.add_metric("OrdersNotProcessed", MetricUnit.Count, 1)
        _wait_longer_each_time(record)
        return False
    outcome = {"order_id": order.key.order_id, "status": order.status, "reason": order.rejection_reason}
    logger.info("order processed", extra=outcome)
    return True


def _process(record: dict[str, Any], context: LambdaContext) -> Order:
    if context.get_remaining_time_in_millis() < _LONGEST_ORDER_MILLISECONDS:
        raise OutOfTime("no time left in this invocation")
    return process_order(order_key_of(record), _orders, _payments)


def _wait_longer_each_time(record: dict[str, Any]) -> None:
    receives = int(record["attributes"]["ApproximateReceiveCount"])
    longest = _retry_seconds * 2 ** (receives - 1)
    pause = random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
    try:
        _queue.hide(record["receiptHandle"], round(pause))
    except Exception:
        # The message comes again all the same, after the queue's own visibility timeout.
        logger.exception("could not set the pause before the next try")
