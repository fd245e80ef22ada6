"""The consumer of the partner orders queue, which the gateway fills."""

import os
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.catalog.store import ProductStore
from storefront.orders.acceptance import OrderIntake
from storefront.orders.order_store import OrderStore
from storefront.orders.queue import OrderQueue
from storefront.orders.schedule import Schedule
from storefront.partners.intake import take_in
from storefront.partners.outcome_store import OutcomeStore
from storefront.partners.queue import handed_in_of
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.batch import BatchConsumer
from storefront.shared.observability import logger, metrics
from storefront.shared.queue import ConsumedQueue

_dynamodb = client("dynamodb")
_sqs = client("sqs")
_intake = OrderIntake(
    ProductStore(_dynamodb, os.environ["PRODUCTS_TABLE"]),
    OrderStore(_dynamodb, os.environ["ORDERS_TABLE"]),
    OrderQueue(_sqs, os.environ["ORDERS_QUEUE_URL"]),
    Schedule(timedelta(seconds=int(os.environ["REVIEW_AFTER_SECONDS"]))),
)
_outcomes = OutcomeStore(_dynamodb, os.environ["PARTNER_ORDERS_TABLE"])
_queue = ConsumedQueue(_sqs, os.environ["PARTNER_ORDERS_QUEUE_URL"])


def _take_in(record: dict[str, Any]) -> dict[str, Any]:
    handed_in = handed_in_of(record)
    outcome = take_in(handed_in, _intake, _outcomes, clock.now())
    return {"partner_id": handed_in.partner_id, "order_id": outcome.order_id, "refused": outcome.refusal is not None}


_consumer = BatchConsumer(
    _take_in,
    _queue,
    subject="partner order",
    failures_metric="PartnerOrdersNotProcessed",
    # Four calls, each of which is usually a matter of milliseconds.
    reserve_ms=10_000,
    retry_seconds=int(os.environ["RETRY_AFTER_SECONDS"]),
)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Place the orders of a batch."""
    return _consumer.consume(event, context)
