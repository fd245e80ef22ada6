"""The connections in the chat's table: the only place that reads and writes them in DynamoDB."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from storefront.chat.connection import CONNECTION_TIME, MAX_POSTS_AT_ONCE, OPENING_TIME, Connection, Recipient
from storefront.chat.frame_limit import FrameLimit
from storefront.chat.table import NOT_EXPIRED, PAUSES, Row, connection_key, log_key, member_key, seconds
from storefront.shared import clock
from storefront.shared.attributes import Item, readable
from storefront.shared.aws import LIMITS
from storefront.shared.dynamodb import insist, insist_on_batch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# For a function that broadcasts: each of the threads that post may find a connection gone, and remove it.
BROADCAST_LIMITS = LIMITS.merge(Config(max_pool_connections=MAX_POSTS_AT_ONCE))

# "BatchWriteItem", Amazon DynamoDB API Reference.
_BATCH = 25


class ConnectionStore:
    """Keeps connections."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._frames = FrameLimit(dynamodb, table)

    def open(self, connection: Connection) -> None:
        """Write a new connection."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                **connection_key(connection.id),
                "customerId": {"S": connection.customer_id},
                "name": {"S": connection.name},
                "group": {"S": connection.group},
                "connectedAt": {"S": clock.to_text(connection.connected_at)},
                "expiresAt": seconds(connection.expires_at),
            },
        )

    def count_frame(self, connection_id: str, now: datetime) -> None:
        """Count a frame that nothing else is written for.

        Raises
        ------
        TooManyRequests
            There were as many as a connection may send in this time.
        """
        self._frames.count(connection_id, now)

    def of_customer(self, customer_id: str, now: datetime) -> Iterator[Recipient]:
        """Iterate over a customer's open connections, and those that are just being opened."""
        opening = int((now + CONNECTION_TIME - OPENING_TIME).timestamp())
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-customer",
            KeyConditionExpression=f"customerId = :customer AND {NOT_EXPIRED}",
            ExpressionAttributeValues={":customer": {"S": customer_id}, ":now": seconds(now)},
        )
        for page in pages:
            yield from readable(page["Items"], lambda row: _recipient(row, opening), log_key)

    def close(self, connection_id: str, *seen_in: str) -> None:
        """Remove a connection and take it out of its rooms; it may be gone already.

        Parameters
        ----------
        connection_id
            Which connection.
        seen_in
            Rooms that have a row of it, whatever the connection itself says: a process may have ended between the
            two writes of this method, and then nothing else knows of that row.
        """
        # The connection first: a room that is joined after that finds none, and leaves no row behind.
        delete: Any = {"TableName": self._table, "Key": connection_key(connection_id), "ReturnValues": "ALL_OLD"}
        removed: Any = insist(lambda: self._dynamodb.delete_item(**delete), PAUSES)
        rooms = removed.get("Attributes", {}).get("rooms", {}).get("SS", [])
        self._delete([member_key(room, connection_id) for room in sorted({*rooms, *seen_in})])

    def _delete(self, keys: list[Row]) -> None:
        def delete(requests: Any) -> Any:
            return self._dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems")

        for start in range(0, len(keys), _BATCH):
            requests = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]
            insist_on_batch(delete, {self._table: requests}, PAUSES)


def _recipient(row: Mapping[str, Any], opening: int) -> Recipient:
    value = Item(row)
    return Recipient(value.text("pk").removeprefix("connection#"), opening=value.number("expiresAt") > opening)
