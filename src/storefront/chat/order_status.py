"""The frame that tells a customer with the chat open about an order."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from storefront.chat.broadcast import Gateway, Outcome, broadcast
from storefront.chat.connection import Recipient
from storefront.shared.queue import MalformedMessage

SCHEMA_VERSION = 1


class NotDelivered(Exception):
    """Some of a customer's connections may be there, and have not got it."""


class Versions(Protocol):
    """The versions of orders that were told."""

    def see(self, order_id: str, version: int, now: datetime) -> bool: ...  # noqa: D102


class Connections(Protocol):
    """The open connections."""

    def of_customer(self, customer_id: str, now: datetime) -> Iterable[Recipient]: ...  # noqa: D102
    def close(self, connection_id: str) -> None: ...  # noqa: D102


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


def tell_customer(
    status: OrderStatus,
    versions: Versions,
    connections: Connections,
    gateway: Gateway,
    has_time: Callable[[], bool],
    now: datetime,
) -> Mapping[Outcome, int]:
    """Send a status to all open connections of its customer, unless a newer one has been sent.

    Parameters
    ----------
    status
        The status to tell.
    versions
        Knows what was told before.
    connections
        Knows whom to tell.
    gateway
        The API that sends the frames.
    has_time
        Tells whether another post can be begun, and end, before this function is ended.
    now
        The time; connections that have expired by then are left out.

    Returns
    -------
    Mapping
        How many posts had which outcome; empty where a newer status was sent before.

    Raises
    ------
    NotDelivered
        Some connection may be there, and has not got it. It is safe to try again: who has got it sees by the version
        that it is the same.
    """
    if not versions.see(status.order_id, status.version, now):
        return {}
    recipients = list(connections.of_customer(status.customer_id, now))
    outcomes = broadcast(status.to_frame(), [recipients], gateway, connections.close, has_time)
    missed = outcomes.get(Outcome.FAILED, 0) + outcomes.get(Outcome.SKIPPED, 0)
    if missed:
        raise NotDelivered(f"{missed} of {len(recipients)} connections have not got it")
    return outcomes
