"""The versions of orders in the chat's table: the only place that reads and writes them in DynamoDB."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from storefront.chat.table import PAUSES, key, seconds
from storefront.shared.dynamodb import Refused, insist

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# No order is under way for as long as that.
_ORDER_TIME = timedelta(days=30)


class OrderVersionStore:
    """Keeps the newest version of each order that its customer was told."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def see(self, order_id: str, version: int, now: datetime) -> bool:
        """Note the version of an order that is about to be told.

        Returns
        -------
        bool
            Whether there has been no newer one. The same one may be told again: the first telling may have been cut
            short.
        """
        change: Any = {
            "TableName": self._table,
            "Key": key(f"order#{order_id}", "status"),
            "UpdateExpression": "SET #version = :version, expiresAt = :expires",
            "ConditionExpression": "attribute_not_exists(pk) OR #version <= :version OR expiresAt <= :now",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {
                ":version": {"N": str(version)},
                ":expires": seconds(now + _ORDER_TIME),
                ":now": seconds(now),
            },
        }
        try:
            insist(lambda: self._dynamodb.update_item(**change), PAUSES)
        except Refused:
            return False
        return True
