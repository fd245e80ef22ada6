"""The consumer of the chat status queue, which a rule of the order event bus fills."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.chat.connections import LONGEST_POST_SECONDS, POST_LIMITS, Connections
from storefront.chat.order_status import NotDelivered, deliver, order_status_of
from storefront.chat.store import ChatStore
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.batch import BatchConsumer
from storefront.shared.observability import MetricUnit, logger, metrics
from storefront.shared.queue import ConsumedQueue

_store = ChatStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_connections = Connections(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)
_queue = ConsumedQueue(client("sqs"), os.environ["CHAT_STATUS_QUEUE_URL"])


def _deliver(record: dict[str, Any]) -> dict[str, Any]:
    status = order_status_of(record)
    # The bus passes on no message attributes: the id that the order goes by is in the event.
    logger.set_correlation_id(status.correlation_id)
    delivered = deliver(status, _store, _connections, clock.now())
    metrics.add_metric("ChatStatusesDelivered", MetricUnit.Count, delivered)
    return {"order_id": status.order_id, "version": status.version, "delivered": delivered}


_consumer = BatchConsumer(
    _deliver,
    _queue,
    what="order status",
    failures_metric="ChatStatusesNotDelivered",
    # Posts are made at the same time, so the slowest counts; and a second or two for the table.
    longest_milliseconds=(LONGEST_POST_SECONDS + 5) * 1000,
    retry_seconds=int(os.environ["RETRY_AFTER_SECONDS"]),
    expected=(NotDelivered,),
)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Tell customers what has become of their orders."""
    return _consumer.consume(event, context)
