"""The connections in the chat's table: the only place that reads and writes them in DynamoDB."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from storefront.chat.connection import (
    CONNECTION_TIME,
    MAX_CONNECTIONS,
    MAX_POSTS_AT_ONCE,
    OPENING_TIME,
    Connection,
    Recipient,
)
from storefront.chat.frame_limit import FrameLimit
from storefront.chat.table import NOT_EXPIRED, PAUSES, Row, connection_key, customer_key, log_key, member_key, seconds
from storefront.shared import clock
from storefront.shared.attributes import Item, readable
from storefront.shared.aws import LIMITS
from storefront.shared.dynamodb import Refused, insist, insist_on_batch
from storefront.shared.errors import Overloaded
from storefront.shared.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# For a function that broadcasts: each of the threads that post may find a connection gone, and remove it.
BROADCAST_LIMITS = LIMITS.merge(Config(max_pool_connections=MAX_POSTS_AT_ONCE))

# "BatchWriteItem", Amazon DynamoDB API Reference.
_BATCH = 25


class ConnectionStore:
    """Keeps connections.

    A user has at most `MAX_CONNECTIONS`: each is written in one transaction with its entry in the user's list, which
    has no room for more.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._frames = FrameLimit(dynamodb, table)

    def open(self, connection: Connection) -> None:
        """Write a new connection; where it is one too many, the oldest of its user ends.

        The oldest and not the new one: nobody is kept out by connections that are gone and have never said so.

        Raises
        ------
        Overloaded
            Others take the room of each that ends.
        """
        row = {
            **connection_key(connection.id),
            "customerId": {"S": connection.customer_id},
            "name": {"S": connection.name},
            "group": {"S": connection.group},
            "connectedAt": {"S": clock.to_text(connection.connected_at)},
            "expiresAt": seconds(connection.expires_at),
        }
        writes: Any = [
            {"Update": self._listed(connection.customer_id, row)},
            {"Put": {"TableName": self._table, "Item": row}},
        ]
        for _ in range(MAX_CONNECTIONS):
            try:
                insist(lambda: self._dynamodb.transact_write_items(TransactItems=writes), PAUSES)
            except Refused as refused:
                self._end(connection.customer_id, min(refused.item()["opened"]["SS"]))
            else:
                return
        raise Overloaded("a user opens connections faster than their oldest can end")

    def count_frame(self, customer_id: str, now: datetime) -> None:
        """Count a frame that nothing else is written for.

        Raises
        ------
        TooManyRequests
            There were as many as a user may send in this time.
        """
        self._frames.count(customer_id, now)

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
        row = self._remove(connection_id, *seen_in)
        if row:
            self._unlist(row["customerId"]["S"], _entry_of(row))

    def _listed(self, customer_id: str, row: Row) -> Row:
        """Return the update that puts a connection into its user's list."""
        return {
            "TableName": self._table,
            "Key": customer_key(customer_id, "connections"),
            "UpdateExpression": "ADD opened :entries SET expiresAt = :expires",
            "ConditionExpression": "attribute_not_exists(opened) OR size(opened) < :most",
            "ExpressionAttributeValues": {
                ":entries": {"SS": [_entry_of(row)]},
                ":most": {"N": str(MAX_CONNECTIONS)},
                ":expires": row["expiresAt"],
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _unlist(self, customer_id: str, entry: str) -> None:
        """Take a connection that is removed out of its user's list."""
        change: Any = {
            "TableName": self._table,
            "Key": customer_key(customer_id, "connections"),
            "UpdateExpression": "DELETE opened :entries",
            # Without it, a list that has expired would come back, and stay.
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":entries": {"SS": [entry]}},
        }
        with suppress(Refused):
            insist(lambda: self._dynamodb.update_item(**change), PAUSES)

    def _end(self, customer_id: str, entry: str) -> None:
        """End a connection for a newer one; the gateway keeps it open, and nothing is sent to it any more."""
        connection_id = entry.partition("#")[2]
        logger.info("connection ended for a newer one of its user", extra={"ended": connection_id})
        self._remove(connection_id)
        self._unlist(customer_id, entry)

    def _remove(self, connection_id: str, *seen_in: str) -> Row:
        """Remove a connection and its memberships; return its row, empty where there is none."""
        # The connection first: a room that is joined after that finds none, and leaves no row behind.
        delete: Any = {"TableName": self._table, "Key": connection_key(connection_id), "ReturnValues": "ALL_OLD"}
        removed: Any = insist(lambda: self._dynamodb.delete_item(**delete), PAUSES)
        row: Row = removed.get("Attributes", {})
        rooms = row.get("rooms", {}).get("SS", [])
        self._delete([member_key(room, connection_id) for room in sorted({*rooms, *seen_in})])
        return row

    def _delete(self, keys: list[Row]) -> None:
        def delete(requests: Any) -> Any:
            return self._dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems")

        for start in range(0, len(keys), _BATCH):
            requests = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]
            insist_on_batch(delete, {self._table: requests}, PAUSES)


def _entry_of(row: Row) -> str:
    """Return a connection's entry in its user's list: of two, the older is the smaller text."""
    return f"{row['connectedAt']['S']}#{row['pk']['S'].removeprefix('connection#')}"


def _recipient(row: Mapping[str, Any], opening: int) -> Recipient:
    value = Item(row)
    return Recipient(value.text("pk").removeprefix("connection#"), opening=value.number("expiresAt") > opening)
