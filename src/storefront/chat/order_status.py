"""What a customer with the chat open is told about an order."""

import json
from dataclasses import dataclass
from typing import Any

from storefront.shared.queue import MalformedMessage

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """The status that an order has come to.

    Attributes
    ----------
    version
        The order's own: of two statuses, the one with the higher version is the newer.
    correlation_id
        The request that the order goes back to.
    """

    order_id: str
    customer_id: str
    status: str
    version: int
    occurred_at: str
    rejection_reason: str | None
    correlation_id: str

    def to_frame(self) -> dict[str, Any]:
        """Return the frame that tells the customer."""
        frame: dict[str, Any] = {
            "event": "orderStatus",
            "orderId": self.order_id,
            "status": self.status,
            "version": self.version,
            "occurredAt": self.occurred_at,
        }
        if self.rejection_reason:
            frame["rejectionReason"] = self.rejection_reason
        return frame


def order_status_of(record: dict[str, Any]) -> OrderStatus:
    """Return the status in a message: an order event, whole, as a rule of the bus puts it on a queue.

    Unknown members are ignored: during a release, events of the next version of the code arrive at this one.

    Raises
    ------
    MalformedMessage
        It holds none.
    """
    try:
        detail = json.loads(record["body"])["detail"]
        status = OrderStatus(
            order_id=detail["orderId"],
            customer_id=detail["customerId"],
            status=detail["status"],
            version=detail["version"],
            occurred_at=detail["occurredAt"],
            rejection_reason=detail.get("rejectionReason"),
            correlation_id=detail["correlationId"],
        )
        schema_version = detail["schemaVersion"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedMessage("not an order event") from error
    texts = (status.order_id, status.customer_id, status.status, status.occurred_at, status.correlation_id)
    readable = all(isinstance(text, str) and text for text in texts) and type(status.version) is int
    if schema_version != SCHEMA_VERSION or not readable:
        raise MalformedMessage("not an order event of this version")
    return status
