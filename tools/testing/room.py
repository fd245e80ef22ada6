"""Rooms of the chat with many members, written without joining: moto copies the whole table for each transaction."""

from collections.abc import Sequence
from typing import Any

from storefront.chat.connection import CONNECTION_TIME
from storefront.shared import clock

# "BatchWriteItem", Amazon DynamoDB API Reference.
_BATCH = 25


def create_table(dynamodb: Any, table: str) -> None:
    """Create a table with the keys of the chat's."""
    keys = (("pk", "HASH"), ("sk", "RANGE"))
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )


def fill(dynamodb: Any, table: str, room: str, connections: Sequence[str]) -> None:
    """Write the rows that joining a room makes."""
    expires = {"N": str(int((clock.now() + CONNECTION_TIME).timestamp()))}
    rows = [{"pk": {"S": f"room#{room}"}, "sk": {"S": f"member#{each}"}, "expiresAt": expires} for each in connections]
    for start in range(0, len(rows), _BATCH):
        requests = [{"PutRequest": {"Item": row}} for row in rows[start : start + _BATCH]]
        dynamodb.batch_write_item(RequestItems={table: requests})
