"""The orders table: the only place that reads and writes orders, and the stock they take, in DynamoDB.

Keyed by customer and order, so that an order cannot be found without knowing whose it is. Index `by-time` lists a
customer's orders, newest first. Index `by-review` is sparse: only orders with something left to do are in it.

Every write is conditional on the version that was read. A write that was applied but whose answer was lost looks,
when it is repeated, like somebody else's: the caller reads the order again and finds it done.
"""

import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from storefront.orders.order import Line, Order, OrderKey, Reason, Status, check_transition, is_order_id
from storefront.orders.processing import OrderMovedOn, OutOfStock
from storefront.shared import clock
from storefront.shared.attributes import from_item, to_item
from storefront.shared.errors import NotFound, Overloaded
from storefront.shared.money import Money
from storefront.shared.observability import logger
from storefront.shared.paging import Key, Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# One partition of the sparse index would cap all orders at one partition's writes a second.
REVIEW_SHARDS = 4

# In seconds, after each attempt but the last.
_TRANSACTION_PAUSES = (0.1, 0.2, 0.4)

# "TransactWriteItems", Amazon DynamoDB API Reference: the reasons that can be gone a moment later, and no reason.
_PASSING_REASONS = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class _StockRefused(Exception):
    """The condition on the stock of some products does not hold."""

    def __init__(self, skus: list[str]) -> None:
        super().__init__(", ".join(skus))
        self.skus = skus


class OrderStore:
    """Keeps orders.

    Parameters
    ----------
    dynamodb
        A DynamoDB client.
    orders_table, products_table
        The names of the tables. Stock is an attribute of the product, so that one transaction reaches both.
    """

    def __init__(self, dynamodb: "DynamoDBClient", orders_table: str, products_table: str = "") -> None:
        self._dynamodb = dynamodb
        self._orders_table = orders_table
        self._products_table = products_table

    def accept(self, order: Order) -> Order:
        """Write a new order, unless there is one with its id.

        Returns
        -------
        Order
            `order`, or the one that was there before.
        """
        check_transition(None, order.status)
        try:
            self._dynamodb.put_item(
                TableName=self._orders_table,
                Item=_to_item(order),
                ConditionExpression="attribute_not_exists(orderId)",
                # The order that is in the way comes with the refusal: no second call, no gap between the two.
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return order_of(error.response["Item"])  # type: ignore[typeddict-item]
        return order

    def get(self, key: OrderKey) -> Order | None:
        """Return an order as it is now (a consistent read), `None` where the customer has none of that id."""
        item = self._dynamodb.get_item(TableName=self._orders_table, Key=_key(key), ConsistentRead=True).get("Item")
        return order_of(item) if item else None

    def get_own(self, key: OrderKey) -> Order:
        """Return an order for its customer.

        Raises
        ------
        NotFound
            There is no such order, or it is another customer's: the table cannot tell, and so neither can anybody.
        """
        # What cannot be an id is not asked for: DynamoDB refuses keys that are too long.
        order = self.get(key) if is_order_id(key.order_id) else None
        if order is None:
            raise NotFound("You have no order with this id. `GET /orders` lists yours.")
        return order

    def page(self, customer_id: str, limit: int, after: Key | None) -> Page[Order]:
        """Return up to `limit` orders of a customer, newest first.

        Parameters
        ----------
        customer_id
            Whose orders.
        limit
            How many at the most.
        after
            `last_key` of the page before; `None` for the first page.
        """
        query: dict[str, Any] = {
            "TableName": self._orders_table,
            "IndexName": "by-time",
            "KeyConditionExpression": "customerId = :customer",
            "ExpressionAttributeValues": {":customer": {"S": customer_id}},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after:
            query["ExclusiveStartKey"] = {
                name: {"S": value} for name, value in {**after, "customerId": customer_id}.items()
            }
        answer = self._dynamodb.query(**query)
        last_key = answer.get("LastEvaluatedKey")
        return Page(
            items=[order_of(item) for item in answer["Items"]],
            last_key={name: last_key[name]["S"] for name in ("orderId", "acceptedAt")} if last_key else None,
        )

    def due_for_review(self, now: datetime) -> Iterator[Order]:
        """Iterate over the orders that should have settled by `now`, each as it is at that moment."""
        # In another order each time, so that no shard always has what is left of the time.
        for shard in random.sample(range(REVIEW_SHARDS), REVIEW_SHARDS):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._orders_table,
                IndexName="by-review",
                KeyConditionExpression="reviewShard = :shard AND reviewAt <= :now",
                ExpressionAttributeValues={":shard": {"N": str(shard)}, ":now": {"S": clock.to_text(now)}},
            )
            for page in pages:
                for item in page["Items"]:
                    # An index lags behind its table: what it says may be over.
                    order = self.get(OrderKey(item["customerId"]["S"], item["orderId"]["S"]))
                    if order and order.review_at and order.review_at <= now:
                        yield order

    def count_unsettled(self, accepted_before: datetime) -> int:
        """Return how many of the orders that were accepted by then have something left to do."""
        pages = (
            page
            for shard in range(REVIEW_SHARDS)
            for page in self._dynamodb.get_paginator("query").paginate(
                TableName=self._orders_table,
                IndexName="by-review",
                Select="COUNT",
                KeyConditionExpression="reviewShard = :shard",
                FilterExpression="acceptedAt < :before",
                ExpressionAttributeValues={
                    ":shard": {"N": str(shard)},
                    ":before": {"S": clock.to_text(accepted_before)},
                },
            )
        )
        return sum(page["Count"] for page in pages)

    def reserve(self, order: Order) -> Order:
        """Take the stock and mark the order `RESERVED`, both or neither.

        Raises
        ------
        OutOfStock
            A product has less stock than the order needs.
        OrderMovedOn
            The order is no longer the version that was read.
        """
        try:
            return self._transact(replace(order, status=Status.RESERVED), order, _taking, order.lines)
        except _StockRefused as refused:
            raise OutOfStock(order.key.order_id) from refused

    def await_payment(self, order: Order, charge_id: str) -> Order:
        """Mark the order `AWAITING_PAYMENT`.

        Raises
        ------
        OrderMovedOn
            The order is no longer the version that was read.
        """
        return self._update(replace(order, status=Status.AWAITING_PAYMENT, charge_id=charge_id, reviews=0), order)

    def confirm(self, order: Order, charge_id: str) -> Order:
        """Mark the order `CONFIRMED`: the stock taken is sold.

        Raises
        ------
        OrderMovedOn
            The order is no longer the version that was read.
        """
        return self._update(replace(order, status=Status.CONFIRMED, charge_id=charge_id, review_at=None), order)

    def reject(self, order: Order, reason: Reason, *, refund_due: bool = False) -> Order:
        """Mark the order `REJECTED` and give back the stock it had taken, both or neither.

        Raises
        ------
        OrderMovedOn
            The order is no longer the version that was read.
        """
        rejected = replace(
            order,
            status=Status.REJECTED,
            rejection_reason=reason,
            refund_due=refund_due,
            review_at=order.review_at if refund_due else None,
        )
        if order.status is Status.PENDING:
            return self._update(rejected, order)
        try:
            return self._transact(rejected, order, _giving_back, order.lines)
        except _StockRefused as refused:
            # A product has been deleted since. Its stock has nowhere to go back to; the customer's money has.
            logger.warning("stock not given back: no such product", extra={"skus": refused.skus})
            rest = [line for line in order.lines if line.sku not in refused.skus]
            return self._transact(rejected, order, _giving_back, rest)

    def refunded(self, order: Order) -> Order:
        """Cross off the refund that was due for a rejected order.

        Raises
        ------
        OrderMovedOn
            The order is no longer the version that was read.
        """
        return self._update(replace(order, refund_due=False, review_at=None), order)

    def owe_refund(self, order: Order, event_id: str) -> Order:
        """Note that the provider took money for a rejected order: the reconciler's next run has it given back.

        Raises
        ------
        OrderMovedOn
            The order is no longer the version that was read.
        """
        return self._update(
            replace(order, refund_due=True, refund_event_id=event_id, review_at=clock.now()),
            order,
        )

    def postpone(self, order: Order, review_at: datetime) -> Order:
        """Count a review and set the time of the next.

        Raises
        ------
        OrderMovedOn
            The order is no longer the version that was read.
        """
        return self._update(replace(order, reviews=order.reviews + 1, review_at=review_at), order)

    def defer(self, order: Order, review_at: datetime) -> Order:
        """Set the time of the next review without counting one: this one could not be made.

        Raises
        ------
        OrderMovedOn
            The order is no longer the version that was read.
        """
        return self._update(replace(order, review_at=review_at), order)

    def _update(self, changed: Order, read: Order) -> Order:
        changed = _next_version(changed, read)
        try:
            self._dynamodb.update_item(**self._order_change(changed, read))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise OrderMovedOn(read.key.order_id) from error
            raise
        return changed

    def _transact(
        self, changed: Order, read: Order, stock_change: Callable[[Line], dict[str, Any]], lines: Sequence[Line]
    ) -> Order:
        changed = _next_version(changed, read)
        writes: list[Any] = [{"Update": self._order_change(changed, read)}]
        writes += [{"Update": {"TableName": self._products_table, **stock_change(line)}} for line in lines]
        for pause in (*_TRANSACTION_PAUSES, None):
            try:
                self._dynamodb.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                _raise_if_permanent(error, read, lines)
            else:
                return changed
            # Orders that want the same product at the same time get in each other's way; a moment later they do not.
            if pause:
                time.sleep(random.uniform(pause / 5, pause))  # noqa: S311 - jitter, not a secret
        raise Overloaded("the order's transaction met others at every attempt")

    def _order_change(self, changed: Order, read: Order) -> dict[str, Any]:
        """Return the update from `read` to `changed`: it touches no attribute that this version does not know."""
        before, after = _to_item(read), _to_item(changed)
        written = {name: value for name, value in after.items() if before.get(name) != value}
        removed = before.keys() - after.keys()
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in written)
        if removed:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in sorted(removed))
        return {
            "TableName": self._orders_table,
            "Key": _key(read.key),
            "UpdateExpression": expression,
            "ConditionExpression": "#version = :read",
            "ExpressionAttributeNames": {f"#{name}": name for name in [*written, *removed]},
            "ExpressionAttributeValues": {
                ":read": {"N": str(read.version)},
                **{f":{name}": value for name, value in written.items()},
            },
        }


def _taking(line: Line) -> dict[str, Any]:
    return {
        "Key": {"sku": {"S": line.sku}},
        "UpdateExpression": "ADD stock :change",
        "ConditionExpression": "stock >= :needed",
        "ExpressionAttributeValues": {":change": {"N": str(-line.quantity)}, ":needed": {"N": str(line.quantity)}},
    }


def _giving_back(line: Line) -> dict[str, Any]:
    return {
        "Key": {"sku": {"S": line.sku}},
        "UpdateExpression": "ADD stock :change",
        # Without it, a product that is gone would come back as nothing but its stock.
        "ConditionExpression": "attribute_exists(sku)",
        "ExpressionAttributeValues": {":change": {"N": str(line.quantity)}},
    }


def order_of(item: Mapping[str, Any]) -> Order:
    """Return the order that a DynamoDB item (of the table, an index or a stream image) holds."""
    value = from_item(item)
    return Order(
        key=OrderKey(value["customerId"], value["orderId"]),
        lines=tuple(
            Line(
                line["sku"],
                line["name"],
                int(line["quantity"]),
                Money(int(line["unitPrice"]), value["currency"]),
            )
            for line in value["lines"]
        ),
        request_hash=value["requestHash"],
        correlation_id=value["correlationId"],
        accepted_at=clock.from_text(value["acceptedAt"]),
        updated_at=clock.from_text(value["updatedAt"]),
        review_at=clock.from_text(value["reviewAt"]) if "reviewAt" in value else None,
        status=Status(value["status"]),
        version=int(value["version"]),
        reviews=int(value["reviews"]),
        charge_id=value.get("chargeId"),
        rejection_reason=Reason(value["rejectionReason"]) if "rejectionReason" in value else None,
        refund_due=value.get("refundDue", False),
        refund_event_id=value.get("refundEventId"),
    )


def _to_item(order: Order) -> dict[str, Any]:
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
    return to_item(value)


def _key(key: OrderKey) -> dict[str, Any]:
    return {"customerId": {"S": key.customer_id}, "orderId": {"S": key.order_id}}


def _next_version(changed: Order, read: Order) -> Order:
    if changed.status is not read.status:
        check_transition(read.status, changed.status)
    return replace(changed, version=read.version + 1, updated_at=clock.now())


def _raise_if_permanent(error: ClientError, order: Order, lines: Sequence[Line]) -> None:
    """Raise what the reasons of a cancelled transaction mean, unless trying again can help.

    The reasons come in the order of the writes ("TransactWriteItems", Amazon DynamoDB API Reference): first the order's
    own, then one for each product.
    """
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [{}])  # type: ignore[assignment]
    order_reason, *stock_reasons = [reason.get("Code") for reason in reasons]
    if order_reason == "ConditionalCheckFailed":
        raise OrderMovedOn(order.key.order_id) from error
    checked = zip(lines, stock_reasons, strict=False)
    refused = [line.sku for line, reason in checked if reason == "ConditionalCheckFailed"]
    if refused:
        raise _StockRefused(refused) from error
    if not {order_reason, *stock_reasons} <= _PASSING_REASONS:
        raise error
