"""The chat's table: the only place that reads and writes connections, rooms and messages in DynamoDB.

One table, since one transaction covers a message, its sender's membership and its sender's rate. Every item has an
`expiresAt` in seconds. DynamoDB deletes it some days later ("Using time to live (TTL) in DynamoDB", Amazon DynamoDB
Developer Guide); here it is absent from that very second on.

| pk | sk | is |
| --- | --- | --- |
| `ticket#<hash>` | `ticket` | who may connect with it; `access.ticket_store` keeps these |
| `connection#<id>` | `connection` | who is at the other end, and the rooms it is in; alone in the index `by-customer` |
| `connection#<id>` | `frames#<window>` | how many frames came from it in that time |
| `room#<room>` | `member#<connection id>` | that the connection is in the room |
| `room#<room>` | `message#<message id>` | a message |
| `sender#<customer id>` | `sent#<room>#<client id>` | that the customer has sent this message, and what became of it |
| `order#<order id>` | `status` | the newest version of an order that was told |
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from storefront.chat.connection import (
    CONNECTION_TIME,
    MAX_FRAMES,
    MAX_POSTS_AT_ONCE,
    MAX_ROOMS,
    OPENING_TIME,
    WINDOW_SECONDS,
    Connection,
    Recipient,
)
from storefront.chat.message import Message
from storefront.shared import clock
from storefront.shared.aws import LIMITS
from storefront.shared.errors import Forbidden, Overloaded, TooManyRequests, Unprocessable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE_OF_MEMBERS = 1000

# For a function that broadcasts: each of the threads that post may find a connection gone, and remove it.
BROADCAST_LIMITS = LIMITS.merge(Config(max_pool_connections=MAX_POSTS_AT_ONCE))

_MESSAGE_TIME = timedelta(days=30)
_SENT_TIME = timedelta(days=1)
# No order is under way for as long as that.
_ORDER_TIME = timedelta(days=30)

# "BatchWriteItem", Amazon DynamoDB API Reference.
_BATCH = 25

# In seconds, at the most, after each attempt but the last. A connection's frames may all be handled at once, and each
# counts on the same item: three seconds let every one of a window through.
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)

# "TransactWriteItems", Amazon DynamoDB API Reference: the reasons that can be gone a moment later, and no reason.
_PASSING_REASONS = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

_NOT_EXPIRED = "expiresAt > :now"

_TOO_FAST = (
    f"Too many frames. Send at most {MAX_FRAMES} in {WINDOW_SECONDS} seconds; this one was left out, send it again."
)
_NOT_IN_ROOM = "You are not in this room. Send `joinRoom` first."
_NO_CONNECTION = "This connection has ended. Open a new one, with a new ticket."


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a message: it is new, or it is an earlier one that was sent again."""

    message: Message
    is_new: bool


class _Refused(Exception):
    """The conditions on some items of a transaction do not hold."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self._reasons = reasons

    def has(self, position: int) -> bool:
        """Tell whether the condition on this item is one of them."""
        return bool(self._reasons[position]["Code"] == "ConditionalCheckFailed")

    def item(self, position: int) -> Mapping[str, Any]:
        """Return the item as it is; empty where there is none."""
        item: Mapping[str, Any] = self._reasons[position].get("Item", {})
        return item


class _Unfinished(Exception):
    """A part of a write was not made."""


class ChatStore:
    """Keeps connections, rooms and messages.

    Parameters
    ----------
    dynamodb
        A DynamoDB client.
    table
        The table's name.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def open(self, connection: Connection) -> None:
        """Write a new connection."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                **_connection_key(connection.id),
                "customerId": {"S": connection.customer_id},
                "name": {"S": connection.name},
                "group": {"S": connection.group},
                "connectedAt": {"S": clock.to_text(connection.connected_at)},
                "expiresAt": _seconds(connection.expires_at),
            },
        )

    def close(self, connection_id: str, *seen_in: str) -> None:
        """Remove a connection and take it out of its rooms; one that is gone already is no error.

        Parameters
        ----------
        connection_id
            Which connection.
        seen_in
            Rooms that have a row of it, whatever the connection itself says: a process may have ended between the
            two writes of this method, and then nothing else knows of that row.
        """
        # The connection first: whoever joins a room after that finds none, and leaves no row behind.
        delete = {"TableName": self._table, "Key": _connection_key(connection_id), "ReturnValues": "ALL_OLD"}
        removed = _insist(lambda: self._dynamodb.delete_item(**delete))  # type: ignore[arg-type]
        rooms = removed.get("Attributes", {}).get("rooms", {}).get("SS", [])
        self._delete([_member_key(room, connection_id) for room in sorted({*rooms, *seen_in})])

    def count_frame(self, connection_id: str, now: datetime) -> None:
        """Count a frame that nothing else is written for.

        Raises
        ------
        TooManyRequests
            There were as many as a connection may send in this time.
        """
        try:
            _insist(lambda: self._dynamodb.update_item(**self._frame(connection_id, now)))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise TooManyRequests(_TOO_FAST) from error

    def join(self, connection: Connection, room: str, now: datetime) -> None:
        """Count a frame and put a connection into a room; one that is in it stays in it.

        Raises
        ------
        TooManyRequests
            There were as many frames as a connection may send in this time.
        Forbidden
            The connection has ended.
        Unprocessable
            It is in as many rooms as it may be.
        """
        change = {
            "TableName": self._table,
            "Key": _connection_key(connection.id),
            "UpdateExpression": "ADD rooms :rooms",
            # Without the first, a connection that is gone would come back as nothing but its rooms.
            "ConditionExpression": f"attribute_exists(pk) AND {_NOT_EXPIRED} AND "
            "(attribute_not_exists(rooms) OR contains(rooms, :room) OR size(rooms) < :most)",
            "ExpressionAttributeValues": {
                ":rooms": {"SS": [room]},
                ":room": {"S": room},
                ":most": {"N": str(MAX_ROOMS)},
                ":now": _seconds(now),
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        member = {**_member_key(room, connection.id), "expiresAt": _seconds(connection.expires_at)}
        put = {"TableName": self._table, "Item": member}
        try:
            self._transact({"Update": self._frame(connection.id, now)}, {"Update": change}, {"Put": put})
        except _Refused as refused:
            if _is_there(refused.item(1), now):
                detail = (
                    f"You are in {MAX_ROOMS} rooms, and no connection may be in more. Send `leaveRoom` for one first."
                )
                raise Unprocessable(detail) from refused
            raise Forbidden(_NO_CONNECTION) from refused

    def leave(self, connection: Connection, room: str, now: datetime) -> None:
        """Count a frame and take a connection out of a room; one that is not in it stays out of it.

        Raises
        ------
        TooManyRequests
            There were as many frames as a connection may send in this time.
        Forbidden
            The connection has ended.
        """
        change = {
            "TableName": self._table,
            "Key": _connection_key(connection.id),
            "UpdateExpression": "DELETE rooms :rooms",
            "ConditionExpression": f"attribute_exists(pk) AND {_NOT_EXPIRED}",
            "ExpressionAttributeValues": {":rooms": {"SS": [room]}, ":now": _seconds(now)},
        }
        delete = {"TableName": self._table, "Key": _member_key(room, connection.id)}
        try:
            self._transact({"Update": self._frame(connection.id, now)}, {"Update": change}, {"Delete": delete})
        except _Refused as refused:
            raise Forbidden(_NO_CONNECTION) from refused

    def add(self, message: Message, connection_id: str) -> Kept:
        """Count a frame and write a message, unless its sender has written it before.

        Raises
        ------
        TooManyRequests
            There were as many frames as a connection may send in this time.
        Forbidden
            The connection is not in the room.
        """
        now = message.sent_at
        sent = {
            "pk": {"S": f"sender#{message.sender_id}"},
            "sk": {"S": f"sent#{message.room}#{message.client_id}"},
            "messageId": {"S": message.id},
            "sentAt": {"S": clock.to_text(now)},
            "expiresAt": _seconds(now + _SENT_TIME),
        }
        once = {
            "TableName": self._table,
            "Item": sent,
            "ConditionExpression": "attribute_not_exists(pk) OR expiresAt <= :now",
            "ExpressionAttributeValues": {":now": _seconds(now)},
            # The message that is in the way comes with the refusal: no second call, no gap between the two.
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self._transact(
                {"Update": self._frame(connection_id, now)},
                self._membership(message.room, connection_id, now),
                {"Put": once},
                {"Put": {"TableName": self._table, "Item": _item_of(message)}},
            )
        except _Refused as refused:
            if refused.has(1):
                raise Forbidden(_NOT_IN_ROOM) from refused
            # The frame that was cancelled with the rest counts, too: or it could be sent again without end.
            self.count_frame(connection_id, now)
            earlier = refused.item(2)
            first = replace(message, id=earlier["messageId"]["S"], sent_at=clock.from_text(earlier["sentAt"]["S"]))
            return Kept(first, is_new=False)
        return Kept(message, is_new=True)

    def history(
        self, connection_id: str, room: str, limit: int, before: str | None, now: datetime
    ) -> tuple[list[Message], bool]:
        """Count a frame and return messages of a room, newest first, and whether there are more.

        Parameters
        ----------
        connection_id
            Who asks.
        room
            The room.
        limit
            How many at the most.
        before
            The id of the message that the page begins behind; `None` for the newest.
        now
            The time; messages that have expired by then are left out.

        Raises
        ------
        TooManyRequests
            There were as many frames as a connection may send in this time.
        Forbidden
            The connection is not in the room.
        """
        try:
            self._transact({"Update": self._frame(connection_id, now)}, self._membership(room, connection_id, now))
        except _Refused as refused:
            raise Forbidden(_NOT_IN_ROOM) from refused
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :room AND begins_with(sk, :message)",
            # All live equally long, so those that have expired come last: a page with a gap has no other behind it.
            "FilterExpression": _NOT_EXPIRED,
            "ExpressionAttributeValues": {
                ":room": {"S": f"room#{room}"},
                ":message": {"S": "message#"},
                ":now": _seconds(now),
            },
            "ScanIndexForward": False,
            # A client joins, then reads: what was sent to the room before it joined has to be on the page.
            "ConsistentRead": True,
            # One more than is shown tells whether there are more.
            "Limit": limit + 1,
        }
        if before:
            query["ExclusiveStartKey"] = _message_key(room, before)
        messages = [_message_of(item) for item in self._dynamodb.query(**query)["Items"]]
        return messages[:limit], len(messages) > limit

    def members(self, room: str, now: datetime) -> Iterator[list[Recipient]]:
        """Iterate over the connections in a room, page by page; each page is one call."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :room AND begins_with(sk, :member)",
            ExpressionAttributeValues={":room": {"S": f"room#{room}"}, ":member": {"S": "member#"}},
            ProjectionExpression="sk, expiresAt",
            # Whoever was told that they are in the room gets what is said in it from then on.
            ConsistentRead=True,
            PaginationConfig={"PageSize": PAGE_OF_MEMBERS},
        )
        for page in pages:
            yield [
                Recipient(item["sk"]["S"].removeprefix("member#"), not _is_there(item, now)) for item in page["Items"]
            ]

    def connections_of_customer(self, customer_id: str, now: datetime) -> Iterator[Recipient]:
        """Iterate over a customer's open connections, and those that are just being opened."""
        opening = int((now + CONNECTION_TIME - OPENING_TIME).timestamp())
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-customer",
            KeyConditionExpression=f"customerId = :customer AND {_NOT_EXPIRED}",
            ExpressionAttributeValues={":customer": {"S": customer_id}, ":now": _seconds(now)},
        )
        for page in pages:
            for item in page["Items"]:
                connection_id = item["pk"]["S"].removeprefix("connection#")
                yield Recipient(connection_id, opening=int(item["expiresAt"]["N"]) > opening)

    def see_order_version(self, order_id: str, version: int, now: datetime) -> bool:
        """Note the version of an order that is about to be told.

        Returns
        -------
        bool
            Whether there has been no newer one. The same one may be told again: the first telling may have been cut
            short.
        """
        change: Any = {
            "TableName": self._table,
            "Key": {"pk": {"S": f"order#{order_id}"}, "sk": {"S": "status"}},
            "UpdateExpression": "SET #version = :version, expiresAt = :expires",
            "ConditionExpression": "attribute_not_exists(pk) OR #version <= :version OR expiresAt <= :now",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {
                ":version": {"N": str(version)},
                ":expires": _seconds(now + _ORDER_TIME),
                ":now": _seconds(now),
            },
        }
        try:
            _insist(lambda: self._dynamodb.update_item(**change))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _frame(self, connection_id: str, now: datetime) -> Any:
        """Return the update that counts a frame; it comes first in each transaction."""
        window = int(now.timestamp()) // WINDOW_SECONDS
        return {
            "TableName": self._table,
            "Key": {"pk": {"S": f"connection#{connection_id}"}, "sk": {"S": f"frames#{window}"}},
            "UpdateExpression": "ADD frames :one SET expiresAt = :expires",
            "ConditionExpression": "attribute_not_exists(frames) OR frames < :most",
            "ExpressionAttributeValues": {
                ":one": {"N": "1"},
                ":most": {"N": str(MAX_FRAMES)},
                ":expires": {"N": str((window + 1) * WINDOW_SECONDS)},
            },
        }

    def _membership(self, room: str, connection_id: str, now: datetime) -> dict[str, Any]:
        check = {
            "TableName": self._table,
            "Key": _member_key(room, connection_id),
            "ConditionExpression": _NOT_EXPIRED,
            "ExpressionAttributeValues": {":now": _seconds(now)},
        }
        return {"ConditionCheck": check}

    def _transact(self, *writes: Any) -> None:
        """Make all writes or none; the first of them counts the frame."""
        try:
            _insist(lambda: self._dynamodb.transact_write_items(TransactItems=writes))
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            refused = _Refused(_reasons_of(error))
            if refused.has(0):
                raise TooManyRequests(_TOO_FAST) from error
            if "ConditionalCheckFailed" in _codes_of(error):
                raise refused from error
            raise

    def _delete(self, keys: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(keys), _BATCH):
            left: Any = {self._table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]}
            _insist(partial(self._delete_what_is_left, left))

    def _delete_what_is_left(self, left: dict[str, Any]) -> None:
        unprocessed = self._dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems")
        if unprocessed:
            left.update(unprocessed)
            raise _Unfinished


def _insist(write: Callable[[], Any]) -> Any:
    """Make a write, again where it meets another, and return its answer.

    Frames of one connection that are handled at the same time meet at its count, and a disconnect may meet any of them.
    botocore tries none of that again: to it a conflict is the caller's affair.
    """
    for pause in (*_PAUSES, None):
        try:
            return write()
        except _Unfinished:
            pass
        except ClientError as error:
            if not _can_pass(error):
                raise
        if pause:
            time.sleep(random.uniform(pause / 5, pause))  # noqa: S311 - jitter, not a secret
    raise Overloaded("the write met others at every attempt")


def _can_pass(error: ClientError) -> bool:
    """Tell whether a write failed for what can be gone a moment later.

    A single write that meets a transaction is refused by the exception, a transaction by its reasons ("Amazon DynamoDB
    Transactions: How it works", Amazon DynamoDB Developer Guide).
    """
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        return _codes_of(error) <= _PASSING_REASONS
    return code == "TransactionConflictException"


def _reasons_of(error: ClientError) -> Sequence[Mapping[str, Any]]:
    """Return the reasons in the order of the writes ("TransactWriteItems", Amazon DynamoDB API Reference)."""
    response: Any = error.response
    reasons: Sequence[Mapping[str, Any]] = response["CancellationReasons"]
    return reasons


def _codes_of(error: ClientError) -> set[str]:
    return {reason["Code"] for reason in _reasons_of(error)}


def _is_there(item: Mapping[str, Any], now: datetime) -> bool:
    return bool(item) and int(item["expiresAt"]["N"]) > now.timestamp()


def _item_of(message: Message) -> dict[str, Any]:
    return {
        **_message_key(message.room, message.id),
        "senderId": {"S": message.sender_id},
        "name": {"S": message.name},
        "group": {"S": message.group},
        "text": {"S": message.text},
        "sentAt": {"S": clock.to_text(message.sent_at)},
        "clientId": {"S": message.client_id},
        "expiresAt": _seconds(message.sent_at + _MESSAGE_TIME),
    }


def _message_of(item: dict[str, Any]) -> Message:
    return Message(
        id=item["sk"]["S"].removeprefix("message#"),
        room=item["pk"]["S"].removeprefix("room#"),
        sender_id=item["senderId"]["S"],
        name=item["name"]["S"],
        group=item["group"]["S"],
        text=item["text"]["S"],
        sent_at=clock.from_text(item["sentAt"]["S"]),
        client_id=item["clientId"]["S"],
    )


def _connection_key(connection_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"connection#{connection_id}"}, "sk": {"S": "connection"}}


def _member_key(room: str, connection_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"room#{room}"}, "sk": {"S": f"member#{connection_id}"}}


def _message_key(room: str, message_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"room#{room}"}, "sk": {"S": f"message#{message_id}"}}


def _seconds(moment: datetime) -> dict[str, Any]:
    return {"N": str(int(moment.timestamp()))}
