"""The consumer of the orders queue."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.orders.order_store import OrderStore
from storefront.orders.processing import process_order
from storefront.orders.queue import OrderQueue, order_key_of
from storefront.payments.charge import PaymentUnresolved
from storefront.payments.provider import WORST_CASE_SECONDS, PaymentProvider
from storefront.shared.aws import client
from storefront.shared.batch import BatchConsumer
from storefront.shared.configuration import parameter, secret
from storefront.shared.observability import logger, metrics

_orders = OrderStore(client("dynamodb"), os.environ["ORDERS_TABLE"], os.environ["PRODUCTS_TABLE"])
_queue = OrderQueue(client("sqs"), os.environ["ORDERS_QUEUE_URL"])
_payments = PaymentProvider(parameter("PAYMENTS_URL_PARAMETER"), secret("PAYMENTS_SECRET_ARN"))


def _process(record: dict[str, Any]) -> dict[str, Any]:
    order = process_order(order_key_of(record), _orders, _payments)
    return {"order_id": order.key.order_id, "status": order.status, "reason": order.rejection_reason}


_consumer = BatchConsumer(
    _process,
    _queue,
    subject="order",
    failures_metric="OrdersNotProcessed",
    # The provider at its slowest, and some seconds for the tables.
    reserve_ms=(WORST_CASE_SECONDS + 5) * 1000,
    retry_seconds=int(os.environ["RETRY_AFTER_SECONDS"]),
    expected=(PaymentUnresolved,),
)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Process the orders of a batch."""
    return _consumer.consume(event, context)
