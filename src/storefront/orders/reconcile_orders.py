"""The scheduled reconciler."""

import os
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.orders.order import Order
from storefront.orders.order_store import OrderStore
from storefront.orders.queue import OrderQueue
from storefront.orders.reconciliation import defer_review, reconcile_order
from storefront.orders.review_list import ReviewList
from storefront.orders.schedule import Schedule
from storefront.payments.provider import WORST_CASE_SECONDS, PaymentProvider
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.configuration import parameter, secret
from storefront.shared.faults import count_fault_in
from storefront.shared.observability import MetricUnit, logger, metrics

_dynamodb = client("dynamodb")
_orders = OrderStore(_dynamodb, os.environ["ORDERS_TABLE"], os.environ["PRODUCTS_TABLE"])
_reviews = ReviewList(_dynamodb, os.environ["ORDERS_TABLE"])
_queue = OrderQueue(client("sqs"), os.environ["ORDERS_QUEUE_URL"])
_payments = PaymentProvider(parameter("PAYMENTS_URL_PARAMETER"), secret("PAYMENTS_SECRET_ARN"))
_schedule = Schedule(timedelta(seconds=int(os.environ["REVIEW_AFTER_SECONDS"])))

# A review is begun only while there is time to end it: the provider at its slowest, and some seconds for the tables.
_LONGEST_REVIEW_MILLISECONDS = (WORST_CASE_SECONDS + 10) * 1000

# The queue has given up by then, and the reconciler has looked once: who finds an order still open wants to know.
_SHOULD_HAVE_SETTLED = timedelta(hours=1)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Review the orders that are due; the next run reviews those for which the time does not suffice."""
    scheduled_at = _scheduled_at(event)
    # In every run, also where it is 0: silence means that there are no runs.
    unsettled = _reviews.count_unsettled(scheduled_at - _SHOULD_HAVE_SETTLED)
    metrics.add_metric("OrdersUnsettled", MetricUnit.Count, unsettled)
    reviewed = failed = 0
    for order in _reviews.due(scheduled_at):
        if context.get_remaining_time_in_millis() < _LONGEST_REVIEW_MILLISECONDS:
            logger.warning("orders left to the next run")
            break
        logger.set_correlation_id(order.correlation_id)
        try:
            after = reconcile_order(order, _orders, _payments, _queue, _schedule, clock.now())
        except Exception as error:
            # One order that cannot be reviewed must not keep the others from it.
            logger.exception("order not reviewed", extra={"order_id": order.key.order_id})
            failed += 1
            count_fault_in(error)
            _put_behind_the_others(order)
        else:
            logger.info("order reviewed", extra={"order_id": order.key.order_id, "status": after.status})
            reviewed += 1
    metrics.add_metric("OrdersReviewed", MetricUnit.Count, reviewed)
    metrics.add_metric("OrderReviewsFailed", MetricUnit.Count, failed)
    return {"reviewed": reviewed, "failed": failed}


def _put_behind_the_others(order: Order) -> None:
    try:
        defer_review(order, _orders, clock.now())
    except Exception:
        # It stays where it is. The next run tries it again, and this one goes on.
        logger.exception("review not deferred", extra={"order_id": order.key.order_id})


def _scheduled_at(event: dict[str, Any]) -> datetime:
    """Return the time that the schedule called at; whoever calls by hand, without one, means now."""
    return clock.from_text(event["time"]) if "time" in event else clock.now()
