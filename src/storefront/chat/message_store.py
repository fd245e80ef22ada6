"""The messages in the chat's table: the only place that reads and writes them in DynamoDB."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from storefront.chat.connection import Connection
from storefront.chat.frame_limit import FrameLimit
from storefront.chat.message import Message
from storefront.chat.table import NOT_EXPIRED, Row, key, log_key, member_key, seconds
from storefront.shared import clock
from storefront.shared.attributes import Item, readable
from storefront.shared.dynamodb import Refused
from storefront.shared.errors import Forbidden, Unprocessable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MESSAGE_TIME = timedelta(days=30)
_SENT_TIME = timedelta(days=1)

_NOT_IN_ROOM = "You are not in this room. Send `joinRoom` first."

_OTHER_TEXT = "This `clientId` was used for a message with another text. Use a new one for a new message."

# The positions in the transaction of a message, behind the frame's.
_MEMBER, _SENT = 1, 2


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as it stands in its room: a new one, or the earlier one that was sent again."""

    message: Message
    is_new: bool


class MessageStore:
    """Keeps messages.

    Its methods answer a frame, and count it. They raise `TooManyRequests` if there were as many as a user may send
    in this time, and `Forbidden` if the connection is not in the room.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._frames = FrameLimit(dynamodb, table)

    def add(self, message: Message, connection_id: str) -> StoredMessage:
        """Write a message, unless its sender has written it before.

        Raises
        ------
        Unprocessable
            Its sender has used its client id for another text.
        """
        now = message.sent_at
        once = {
            "TableName": self._table,
            "Item": {
                **key(f"sender#{message.sender_id}", f"sent#{message.room}#{message.client_id}"),
                "messageId": {"S": message.id},
                "textHash": {"S": _hash_of(message.text)},
                "sentAt": {"S": clock.to_text(now)},
                "expiresAt": seconds(now + _SENT_TIME),
            },
            "ConditionExpression": "attribute_not_exists(pk) OR expiresAt <= :now",
            "ExpressionAttributeValues": {":now": seconds(now)},
            # The message that is in the way comes with the refusal: no second call, no gap between the two.
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self._frames.count_with(
                message.sender_id,
                now,
                self._is_member(message.room, connection_id, now),
                {"Put": once},
                {"Put": {"TableName": self._table, "Item": _row_of(message)}},
            )
        except Refused as refused:
            if _MEMBER in refused.positions:
                raise Forbidden(_NOT_IN_ROOM) from refused
            earlier = Item(refused.item(_SENT))
            # Rows of the version before have no hash.
            if earlier.has("textHash") and earlier.text("textHash") != _hash_of(message.text):
                raise Unprocessable(_OTHER_TEXT) from refused
            # The frame was cancelled with the rest. Uncounted, it could be sent again without end.
            self._frames.count(message.sender_id, now)
            first = replace(message, id=earlier.text("messageId"), sent_at=earlier.time("sentAt"))
            return StoredMessage(first, is_new=False)
        return StoredMessage(message, is_new=True)

    def history(
        self, connection: Connection, room: str, limit: int, before: str | None, now: datetime
    ) -> tuple[list[Message], bool]:
        """Return messages of a room, newest first, and whether there are more.

        Parameters
        ----------
        connection
            The connection that asks.
        room
            The room.
        limit
            How many at the most.
        before
            The id of the message that the page begins behind; `None` for the newest.
        now
            The time; messages that have expired by then are left out.
        """
        try:
            self._frames.count_with(connection.customer_id, now, self._is_member(room, connection.id, now))
        except Refused as refused:
            raise Forbidden(_NOT_IN_ROOM) from refused
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :room AND begins_with(sk, :message)",
            # All live equally long, so those that have expired come last: a page with a gap has no other behind it.
            "FilterExpression": NOT_EXPIRED,
            "ExpressionAttributeValues": {
                ":room": {"S": f"room#{room}"},
                ":message": {"S": "message#"},
                ":now": seconds(now),
            },
            "ScanIndexForward": False,
            # A client joins, then reads: what was sent to the room before it joined has to be on the page.
            "ConsistentRead": True,
            # One more than is shown tells whether there are more.
            "Limit": limit + 1,
        }
        if before:
            query["ExclusiveStartKey"] = _message_key(room, before)
        rows = self._dynamodb.query(**query)["Items"]
        return readable(rows[:limit], _message_of, log_key), len(rows) > limit

    def _is_member(self, room: str, connection_id: str, now: datetime) -> dict[str, Any]:
        check = {
            "TableName": self._table,
            "Key": member_key(room, connection_id),
            "ConditionExpression": NOT_EXPIRED,
            "ExpressionAttributeValues": {":now": seconds(now)},
        }
        return {"ConditionCheck": check}


def _row_of(message: Message) -> Row:
    return {
        **_message_key(message.room, message.id),
        "senderId": {"S": message.sender_id},
        "name": {"S": message.name},
        "group": {"S": message.group},
        "text": {"S": message.text},
        "sentAt": {"S": clock.to_text(message.sent_at)},
        "clientId": {"S": message.client_id},
        "expiresAt": seconds(message.sent_at + _MESSAGE_TIME),
    }


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _message_of(row: Mapping[str, Any]) -> Message:
    value = Item(row)
    return Message(
        id=value.text("sk").removeprefix("message#"),
        room=value.text("pk").removeprefix("room#"),
        sender_id=value.text("senderId"),
        name=value.text("name"),
        group=value.text("group"),
        text=value.text("text"),
        sent_at=value.time("sentAt"),
        client_id=value.text("clientId"),
    )


def _message_key(room: str, message_id: str) -> Row:
    return key(f"room#{room}", f"message#{message_id}")
