"""The orders table: the only place that reads and writes single orders, and the stock they take, in DynamoDB.

The table is keyed by customer and order, so that an order cannot be found without knowing whose it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storefront.orders.order import Line, Order, OrderKey, Refund, is_order_id
from storefront.orders.order_item import change_of, item_of, key_of, order_of
from storefront.orders.processing import OrderMovedOn, OutOfStock
from storefront.orders.status import Reason, Status, check_transition
from storefront.orders.stock import StockRefused, giving_back, taking
from storefront.shared import clock
from storefront.shared.dynamodb import Refused, insist
from storefront.shared.errors import NotFound
from storefront.shared.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Orders for one product at the same time get in each other's way.
_PAUSES = (0.1, 0.2, 0.4)


class OrderStore:
    """Keeps orders.

    A method that changes an order returns it as changed. It raises `OrderMovedOn` if the order is not the version
    that was read. A change that was made, but whose answer was lost, looks like somebody else's when botocore repeats
    it: the caller reads the order again and finds it done.

    Parameters
    ----------
    dynamodb
        A DynamoDB client.
    orders_table, products_table
        The names of the tables. Stock is an attribute of the product, so that one transaction reaches both; a function
        that leaves the stock alone needs no products table.
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
        put: Any = {
            "TableName": self._orders_table,
            "Item": item_of(order),
            "ConditionExpression": "attribute_not_exists(orderId)",
            # The order that is in the way comes with the refusal: no second call, no gap between the two.
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            insist(lambda: self._dynamodb.put_item(**put), _PAUSES)
        except Refused as refused:
            return order_of(refused.item())
        return order

    def get(self, key: OrderKey) -> Order | None:
        """Return an order as it is now (a consistent read), `None` where the customer has none of that id."""
        item = self._dynamodb.get_item(TableName=self._orders_table, Key=key_of(key), ConsistentRead=True).get("Item")
        return order_of(item) if item else None

    def has(self, key: OrderKey) -> bool:
        """Tell whether the customer has an order of that id, whatever else its item holds."""
        return "Item" in self._dynamodb.get_item(TableName=self._orders_table, Key=key_of(key), ConsistentRead=True)

    def get_own(self, key: OrderKey) -> Order:
        """Return an order for its customer.

        Raises
        ------
        NotFound
            The order does not exist, or is another customer's; the key cannot tell which.
        """
        # DynamoDB refuses keys that are too long: only what can be an id is looked up.
        order = self.get(key) if is_order_id(key.order_id) else None
        if order is None:
            raise NotFound("You have no order with this id. `GET /orders` lists yours.")
        return order

    def reserve(self, order: Order) -> Order:
        """Take the stock and mark the order `RESERVED`, both or neither.

        Raises
        ------
        OutOfStock
            A product has less stock than the order needs.
        """
        try:
            return self._transact(replace(order, status=Status.RESERVED), order, taking, order.lines)
        except StockRefused as refused:
            raise OutOfStock(order.key.order_id) from refused

    def await_payment(self, order: Order, charge_id: str) -> Order:
        """Mark the order `AWAITING_PAYMENT`."""
        return self._update(replace(order, status=Status.AWAITING_PAYMENT, charge_id=charge_id, reviews=0), order)

    def confirm(self, order: Order, charge_id: str) -> Order:
        """Mark the order `CONFIRMED`: the stock taken is sold."""
        return self._update(replace(order, status=Status.CONFIRMED, charge_id=charge_id, review_at=None), order)

    def reject(self, order: Order, reason: Reason, *, refund_due: bool = False) -> Order:
        """Mark the order `REJECTED` and give back the stock it had taken, both or neither."""
        rejected = replace(
            order,
            status=Status.REJECTED,
            rejection_reason=reason,
            refund_due=refund_due,
            review_at=order.review_at if refund_due else None,
        )
        if order.status is Status.PENDING:
            return self._update(rejected, order)
        return self._give_back(rejected, order)

    def refunded(self, order: Order) -> Order:
        """Cross off the refund that was due for a rejected order."""
        return self._update(replace(order, refund_due=False, review_at=None), order)

    def owe_refund(self, order: Order, event_id: str) -> Order:
        """Note that the provider took money for a rejected order: the reconciler's next run has it given back."""
        owed = replace(order, refund_due=True, refund_event_id=event_id, review_at=clock.now())
        return self._update(owed, order)

    def claim_refund(self, order: Order, refund: Refund, review_at: datetime) -> Order:
        """Note who refunds the order and why, and when the reconciler ends a refund that has not ended itself."""
        return self._update(replace(order, refund=refund, review_at=review_at), order)

    def complete_refund(self, order: Order) -> Order:
        """Mark the order `REFUNDED` and give its stock back, both or neither."""
        return self._give_back(replace(order, status=Status.REFUNDED, review_at=None), order)

    def fail_refund(self, order: Order) -> Order:
        """Mark the order `REFUND_FAILED`: another refund may claim it."""
        return self._update(replace(order, status=Status.REFUND_FAILED, review_at=None), order)

    def postpone(self, order: Order, review_at: datetime) -> Order:
        """Count a review and set the time of the next."""
        return self._update(replace(order, reviews=order.reviews + 1, review_at=review_at), order)

    def defer(self, order: Order, review_at: datetime) -> Order:
        """Set the time of the next review without counting one: this one could not be made."""
        return self._update(replace(order, review_at=review_at), order)

    def _give_back(self, changed: Order, read: Order) -> Order:
        try:
            return self._transact(changed, read, giving_back, read.lines)
        except StockRefused as refused:
            # A product has been deleted since. Its stock has nowhere to go back to; the customer's money has.
            logger.warning("stock not given back: no such product", extra={"skus": refused.skus})
            rest = [line for line in read.lines if line.sku not in refused.skus]
            return self._transact(changed, read, giving_back, rest)

    def _update(self, changed: Order, read: Order) -> Order:
        changed = _next_version(changed, read)
        update = {"TableName": self._orders_table, **change_of(read, changed)}
        try:
            insist(lambda: self._dynamodb.update_item(**update), _PAUSES)
        except Refused as refused:
            raise OrderMovedOn(read.key.order_id) from refused
        return changed

    def _transact(
        self, changed: Order, read: Order, stock_change: Callable[[Line], dict[str, Any]], lines: Sequence[Line]
    ) -> Order:
        """Change an order, at position 0 of the transaction, and the stock of its lines, behind it."""
        changed = _next_version(changed, read)
        writes: list[Any] = [{"Update": {"TableName": self._orders_table, **change_of(read, changed)}}]
        writes += [{"Update": {"TableName": self._products_table, **stock_change(line)}} for line in lines]
        try:
            insist(lambda: self._dynamodb.transact_write_items(TransactItems=writes), _PAUSES)
        except Refused as refused:
            if 0 in refused.positions:
                raise OrderMovedOn(read.key.order_id) from refused
            raise StockRefused([lines[position - 1].sku for position in sorted(refused.positions)]) from refused
        return changed


def _next_version(changed: Order, read: Order) -> Order:
    if changed.status is not read.status:
        check_transition(read.status, changed.status)
    return replace(changed, version=read.version + 1, updated_at=clock.now())
