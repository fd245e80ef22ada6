"""The event bus: the only place that publishes to EventBridge."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storefront.orders.event import OrderEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "storefront.orders"

# "PutEvents", Amazon EventBridge API Reference.
MAX_ENTRIES = 10


class EventBus:
    """Publishes order events."""

    def __init__(self, events: "EventBridgeClient", name: str) -> None:
        self._events = events
        self._name = name

    def publish(self, events: Sequence[OrderEvent]) -> int | None:
        """Publish events in their order.

        `PutEvents` answers with success even where it took none: each entry has a result of its own.

        Returns
        -------
        int or None
            The index of the first event that was not taken; `None` where all were. Those behind it may have been: a
            consumer sees them again.
        """
        for start in range(0, len(events), MAX_ENTRIES):
            chunk = events[start : start + MAX_ENTRIES]
            answer = self._events.put_events(Entries=[self._entry(event) for event in chunk])
            for position in range(len(chunk)):
                # The id says that the entry was taken; the absence of an error does not.
                if not answer["Entries"][position].get("EventId"):
                    return start + position
        return None

    def _entry(self, event: OrderEvent) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.type,
            "Detail": json.dumps(event.to_json(), separators=(",", ":")),
            "Time": event.order.updated_at,
        }
