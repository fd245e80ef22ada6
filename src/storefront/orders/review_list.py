"""The orders with something left to do: index `by-review` of the orders table, which is sparse.

An order is in it from its acceptance until it settles, under the time of its next review.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storefront.orders.order import Order, OrderKey
from storefront.orders.order_item import REVIEW_SHARDS
from storefront.orders.order_store import OrderStore
from storefront.shared import clock
from storefront.shared.attributes import Unreadable, count_unreadable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ReviewList:
    """Finds orders to review."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._orders = OrderStore(dynamodb, table)

    def due(self, now: datetime) -> Iterator[Order]:
        """Iterate over the orders that should have settled by `now`, each as it is at that moment.

        One that cannot be read is skipped: what is due behind it is due all the same.
        """
        # A new order of the shards each time: no shard is always left to the end of the run.
        for shard in random.sample(range(REVIEW_SHARDS), REVIEW_SHARDS):
            pages = self._pages(
                KeyConditionExpression="reviewShard = :shard AND reviewAt <= :now",
                ExpressionAttributeValues={":shard": {"N": str(shard)}, ":now": {"S": clock.to_text(now)}},
            )
            for page in pages:
                for item in page["Items"]:
                    # An index lags behind its table: the order may have settled.
                    order = self._readable(OrderKey(item["customerId"]["S"], item["orderId"]["S"]))
                    if order and order.review_at and order.review_at <= now:
                        yield order

    def count_unsettled(self, accepted_before: datetime) -> int:
        """Return how many of the orders that were accepted by then have something left to do."""
        before = {"S": clock.to_text(accepted_before)}
        return sum(
            page["Count"]
            for shard in range(REVIEW_SHARDS)
            for page in self._pages(
                Select="COUNT",
                KeyConditionExpression="reviewShard = :shard",
                FilterExpression="acceptedAt < :before",
                ExpressionAttributeValues={":shard": {"N": str(shard)}, ":before": before},
            )
        )

    def _readable(self, key: OrderKey) -> Order | None:
        try:
            return self._orders.get(key)
        except Unreadable as error:
            count_unreadable({"customerId": key.customer_id, "orderId": key.order_id}, error)
            return None

    def _pages(self, **query: Any) -> Iterable[Any]:
        paginator = self._dynamodb.get_paginator("query")
        return paginator.paginate(TableName=self._table, IndexName="by-review", **query)
