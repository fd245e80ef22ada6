"""An order as an item of the orders table."""

import zlib
from collections.abc import Mapping
from typing import Any

from storefront.orders.order import Line, Order, OrderKey, Refund
from storefront.orders.status import Reason, Status
from storefront.shared import clock
from storefront.shared.attributes import Item, Unreadable, to_item
from storefront.shared.money import Money

# One partition of the sparse index `by-review` would cap all orders at one partition's writes a second.
REVIEW_SHARDS = 4


def key_of(key: OrderKey) -> dict[str, Any]:
    """Return the table's key."""
    return to_item({"customerId": key.customer_id, "orderId": key.order_id})


def order_of(item: Mapping[str, Any]) -> Order:
    """Return the order in an item of the table, of an index or of a stream record.

    Raises
    ------
    Unreadable
        An attribute of an order is missing or of another type.
    """
    value = Item(item)
    currency = value.text("currency")
    lines = tuple(_line(line, currency) for line in value.items("lines"))
    if not lines:
        raise Unreadable("lines are empty")
    return Order(
        key=OrderKey(value.text("customerId"), value.text("orderId")),
        lines=lines,
        request_hash=value.text("requestHash"),
        correlation_id=value.text("correlationId"),
        accepted_at=value.time("acceptedAt"),
        updated_at=value.time("updatedAt"),
        review_at=value.optional_time("reviewAt"),
        status=status_of(item),
        version=value.number("version"),
        reviews=value.number("reviews"),
        charge_id=value.optional_text("chargeId"),
        rejection_reason=_reason(value),
        refund_due=value.has("refundDue") and value.flag("refundDue"),
        refund_event_id=value.optional_text("refundEventId"),
        refund=_refund(value),
    )


def status_of(item: Mapping[str, Any]) -> Status:
    """Return the status in an item, whatever the rest of it holds.

    Raises
    ------
    Unreadable
        It has none that is known here.
    """
    try:
        return Status(Item(item).text("status"))
    except ValueError:
        raise Unreadable("status is not one that is known here") from None


def log_key(item: Mapping[str, Any]) -> object:
    """Return what a log line tells an item by."""
    return {name: item.get(name) for name in ("customerId", "orderId")}


def _line(line: Item, currency: str) -> Line:
    price = Money(line.number("unitPrice"), currency)
    return Line(line.text("sku"), line.text("name"), line.number("quantity"), price)


def _reason(value: Item) -> Reason | None:
    text = value.optional_text("rejectionReason")
    try:
        return Reason(text) if text is not None else None
    except ValueError:
        raise Unreadable("rejectionReason is not one that is known here") from None


def _refund(value: Item) -> Refund | None:
    if not value.has("refundId"):
        return None
    return Refund(value.text("refundId"), value.text("refundBy"), value.text("refundReason"))


def item_of(order: Order) -> dict[str, Any]:
    """Return the item of an order."""
    value: dict[str, Any] = {
        "customerId": order.key.customer_id,
        "orderId": order.key.order_id,
        "status": str(order.status),
        "version": order.version,
        "acceptedAt": clock.to_text(order.accepted_at),
        "updatedAt": clock.to_text(order.updated_at),
        "currency": order.total.currency,
        "lines": [
            {"sku": line.sku, "name": line.name, "quantity": line.quantity, "unitPrice": line.unit_price.amount}
            for line in order.lines
        ],
        "requestHash": order.request_hash,
        "correlationId": order.correlation_id,
        "reviews": order.reviews,
    }
    if order.review_at:
        shard = zlib.crc32(order.key.order_id.encode()) % REVIEW_SHARDS
        value |= {"reviewAt": clock.to_text(order.review_at), "reviewShard": shard}
    if order.charge_id:
        value["chargeId"] = order.charge_id
    if order.rejection_reason:
        value["rejectionReason"] = str(order.rejection_reason)
    if order.refund_due:
        value["refundDue"] = True
    if order.refund_event_id:
        value["refundEventId"] = order.refund_event_id
    if order.refund:
        value |= {"refundId": order.refund.id, "refundBy": order.refund.by, "refundReason": order.refund.reason}
    return to_item(value)


def change_of(read: Order, changed: Order) -> dict[str, Any]:
    """Return the update from one version of an order to the next, on the condition that nobody else has made it.

    It leaves alone what this version of the code does not know.
    """
    before, after = item_of(read), item_of(changed)
    written = {name: value for name, value in after.items() if before.get(name) != value}
    removed = sorted(before.keys() - after.keys())
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in written)
    if removed:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
    return {
        "Key": key_of(read.key),
        "UpdateExpression": expression,
        "ConditionExpression": "#version = :read",
        "ExpressionAttributeNames": {f"#{name}": name for name in [*written, *removed]},
        "ExpressionAttributeValues": {
            ":read": {"N": str(read.version)},
            **{f":{name}": value for name, value in written.items()},
        },
    }
