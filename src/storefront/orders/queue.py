"""The queue between acceptance and processing."""

import json
from typing import TYPE_CHECKING, Any

from storefront.orders.order import Order, OrderKey
from storefront.shared.queue import ConsumedQueue, MalformedMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SCHEMA_VERSION = 1


class OrderQueue(ConsumedQueue):
    """Hands orders to the processor, and hands back those that must wait."""

    def send(self, order: Order) -> None:
        """Send the order's key; the order itself is read where it is processed, as it is then."""
        body = {
            "schemaVersion": SCHEMA_VERSION,
            "customerId": order.key.customer_id,
            "orderId": order.key.order_id,
        }
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps(body, separators=(",", ":")),
            MessageAttributes={"correlationId": {"DataType": "String", "StringValue": order.correlation_id}},
        )


class DeadLetterQueue:
    """Takes what cannot be dealt with, for a person to look at."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def put_aside(self, what: dict[str, Any]) -> None:
        """Keep `what`, as JSON."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps(what))


def order_key_of(record: dict[str, Any]) -> OrderKey:
    """Return the key that an SQS record of a Lambda event holds.

    Unknown members are ignored: during a release, messages of the next version arrive at this one.

    Raises
    ------
    MalformedMessage
        It holds none.
    """
    try:
        body = json.loads(record["body"])
        key = OrderKey(body["customerId"], body["orderId"])
        valid = body["schemaVersion"] == SCHEMA_VERSION and all(
            isinstance(part, str) and part for part in (key.customer_id, key.order_id)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedMessage("not an order message") from error
    if not valid:
        raise MalformedMessage("not an order message of this version")
    return key
