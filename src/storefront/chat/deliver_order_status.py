"""The consumer of the chat status queue, which a rule of the order event bus fills."""

import os
import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.chat.broadcast import by_name
from storefront.chat.connection_store import BROADCAST_LIMITS, ConnectionStore
from storefront.chat.gateway import LAST_POST_MILLISECONDS, POST_LIMITS, ConnectionGateway
from storefront.chat.order_status import NotDelivered, order_status_of, tell_customer
from storefront.chat.order_version_store import OrderVersionStore
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.batch import BatchConsumer
from storefront.shared.observability import logger, metrics
from storefront.shared.queue import ConsumedQueue

# All posts to a customer's connections have begun by then.
_POSTING_SECONDS = 5

_dynamodb, _table = client("dynamodb", limits=BROADCAST_LIMITS), os.environ["CHAT_TABLE"]
_connections = ConnectionStore(_dynamodb, _table)
_versions = OrderVersionStore(_dynamodb, _table)
_gateway = ConnectionGateway(
    client("apigatewaymanagementapi", endpoint=os.environ["CONNECTIONS_URL"], limits=POST_LIMITS)
)
_queue = ConsumedQueue(client("sqs"), os.environ["CHAT_STATUS_QUEUE_URL"])


def _deliver(record: dict[str, Any]) -> dict[str, Any]:
    status = order_status_of(record)
    # The bus passes on no message attributes: the id that the order goes by is in the event.
    logger.set_correlation_id(status.correlation_id)
    deadline = time.monotonic() + _POSTING_SECONDS
    outcomes = tell_customer(
        status, _versions, _connections, _gateway, lambda: time.monotonic() < deadline, clock.now()
    )
    return {"order_id": status.order_id, "version": status.version, "posts": by_name(outcomes)}


_consumer = BatchConsumer(
    _deliver,
    _queue,
    subject="order status",
    failures_metric="ChatStatusesNotDelivered",
    # The last post is begun just before the deadline; and before that, a few seconds for the table.
    reserve_ms=(5 + _POSTING_SECONDS) * 1000 + LAST_POST_MILLISECONDS,
    retry_seconds=int(os.environ["RETRY_AFTER_SECONDS"]),
    expected=(NotDelivered,),
)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Tell customers what has become of their orders."""
    return _consumer.consume(event, context)
