"""A customer's orders, newest first: index `by-time` of the orders table."""

from typing import TYPE_CHECKING, Any

from storefront.orders.order import Order
from storefront.orders.order_item import log_key, order_of
from storefront.shared.attributes import readable, to_item
from storefront.shared.paging import Key, Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class OrderList:
    """Lists orders."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def page(self, customer_id: str, limit: int, after: Key | None) -> Page[Order]:
        """Return up to `limit` orders of a customer; one that cannot be read is skipped.

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
            "TableName": self._table,
            "IndexName": "by-time",
            "KeyConditionExpression": "customerId = :customer",
            "ExpressionAttributeValues": {":customer": {"S": customer_id}},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after:
            query["ExclusiveStartKey"] = to_item({**after, "customerId": customer_id})
        answer = self._dynamodb.query(**query)
        last_key = answer.get("LastEvaluatedKey")
        return Page(
            items=readable(answer["Items"], order_of, log_key),
            last_key={name: last_key[name]["S"] for name in ("orderId", "acceptedAt")} if last_key else None,
        )
