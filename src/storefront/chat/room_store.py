"""The members of rooms in the chat's table: the only place that reads and writes them in DynamoDB."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storefront.chat.connection import MAX_ROOMS, Connection, Recipient
from storefront.chat.frame_limit import FrameLimit
from storefront.chat.table import NOT_EXPIRED, connection_key, is_there, log_key, member_key, seconds
from storefront.shared.attributes import Item, readable
from storefront.shared.dynamodb import Refused
from storefront.shared.errors import Forbidden, Unprocessable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE_OF_MEMBERS = 1000

_NO_CONNECTION = "This connection has ended. Open a new one, with a new ticket."
_TOO_MANY_ROOMS = f"You are in {MAX_ROOMS} rooms, and no connection may be in more. Send `leaveRoom` for one first."

# The position of the connection's update, behind the frame's.
_CONNECTION = 1


class RoomStore:
    """Keeps the members of rooms.

    `join` and `leave` answer a frame, and count it. They raise `TooManyRequests` if there were as many as a user
    may send in this time, and `Forbidden` if the connection has ended.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._frames = FrameLimit(dynamodb, table)

    def join(self, connection: Connection, room: str, now: datetime) -> None:
        """Put a connection into a room; a member stays in it.

        Raises
        ------
        Unprocessable
            It is in as many rooms as it may be.
        """
        change = {
            "TableName": self._table,
            "Key": connection_key(connection.id),
            "UpdateExpression": "ADD rooms :rooms",
            # Without the first, a connection that is gone would come back as nothing but its rooms.
            "ConditionExpression": f"attribute_exists(pk) AND {NOT_EXPIRED} AND "
            "(attribute_not_exists(rooms) OR contains(rooms, :room) OR size(rooms) < :most)",
            "ExpressionAttributeValues": {
                ":rooms": {"SS": [room]},
                ":room": {"S": room},
                ":most": {"N": str(MAX_ROOMS)},
                ":now": seconds(now),
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        member = {**member_key(room, connection.id), "expiresAt": seconds(connection.expires_at)}
        put = {"TableName": self._table, "Item": member}
        try:
            self._frames.count_with(connection.customer_id, now, {"Update": change}, {"Put": put})
        except Refused as refused:
            if is_there(refused.item(_CONNECTION), now):
                raise Unprocessable(_TOO_MANY_ROOMS) from refused
            raise Forbidden(_NO_CONNECTION) from refused

    def leave(self, connection: Connection, room: str, now: datetime) -> None:
        """Take a connection out of a room; one that is not a member stays out of it."""
        change = {
            "TableName": self._table,
            "Key": connection_key(connection.id),
            "UpdateExpression": "DELETE rooms :rooms",
            "ConditionExpression": f"attribute_exists(pk) AND {NOT_EXPIRED}",
            "ExpressionAttributeValues": {":rooms": {"SS": [room]}, ":now": seconds(now)},
        }
        delete = {"TableName": self._table, "Key": member_key(room, connection.id)}
        try:
            self._frames.count_with(connection.customer_id, now, {"Update": change}, {"Delete": delete})
        except Refused as refused:
            raise Forbidden(_NO_CONNECTION) from refused

    def members(self, room: str, now: datetime) -> Iterator[list[Recipient]]:
        """Iterate over the connections in a room, page by page; each page is one call."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :room AND begins_with(sk, :member)",
            ExpressionAttributeValues={":room": {"S": f"room#{room}"}, ":member": {"S": "member#"}},
            ProjectionExpression="sk, expiresAt",
            # A member that was told so gets everything that is said in the room from then on.
            ConsistentRead=True,
            PaginationConfig={"PageSize": PAGE_OF_MEMBERS},
        )
        for page in pages:
            yield readable(page["Items"], lambda row: _recipient(row, now), log_key)


def _recipient(row: Mapping[str, Any], now: datetime) -> Recipient:
    return Recipient(Item(row).text("sk").removeprefix("member#"), expired=not is_there(row, now))
