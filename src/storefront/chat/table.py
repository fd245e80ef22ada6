"""The rows of the chat's table.

One table, since one transaction covers a message, its sender's membership and its sender's rate. Every row has an
`expiresAt` in seconds. DynamoDB deletes it some days later ("Using time to live (TTL) in DynamoDB", Amazon DynamoDB
Developer Guide); here it is absent from that very second on.

| pk | sk | is | in |
| --- | --- | --- | --- |
| `ticket#<hash>` | `ticket` | a ticket that has not been used | `ticket_store` |
| `connection#<id>` | `connection` | a connection and its rooms; alone in the index `by-customer` | `connection_store` |
| `customer#<customer id>` | `connections` | which connections the customer has open | `connection_store` |
| `customer#<customer id>` | `frames#<window>` | how many frames came from them in that time | `frame_limit` |
| `room#<room>` | `member#<connection id>` | that the connection is in the room | `room_store` |
| `room#<room>` | `message#<message id>` | a message | `message_store` |
| `sender#<customer id>` | `sent#<room>#<client id>` | that the customer has sent this message | `message_store` |
| `order#<order id>` | `status` | the newest version of an order that was told | `order_version_store` |
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storefront.shared.attributes import Item

Row = dict[str, Any]

NOT_EXPIRED = "expiresAt > :now"

# In seconds. A user's frames may all be handled at once, and each counts on the same row: with these pauses every
# frame of a window gets through.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def key(pk: str, sk: str) -> Row:
    """Return the key of a row."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def connection_key(connection_id: str) -> Row:
    """Return the key of a connection."""
    return key(f"connection#{connection_id}", "connection")


def customer_key(customer_id: str, sk: str) -> Row:
    """Return the key of something that is kept of a customer over all their connections."""
    return key(f"customer#{customer_id}", sk)


def member_key(room: str, connection_id: str) -> Row:
    """Return the key of a connection's membership in a room."""
    return key(f"room#{room}", f"member#{connection_id}")


def seconds(moment: datetime) -> Row:
    """Return a time as `expiresAt` has it."""
    return {"N": str(int(moment.timestamp()))}


def is_there(row: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a row exists and has not expired."""
    return bool(row) and Item(row).number("expiresAt") > now.timestamp()


def log_key(row: Mapping[str, Any]) -> object:
    """Return what a log line tells a row by."""
    return {name: row.get(name) for name in ("pk", "sk")}
