"""The rows of the chat's table as they are stored: the next release reads them."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from storefront.chat.connection import Connection
from storefront.chat.message import Message
from tools.testing.chat import Chat

NOW = datetime(2026, 11, 20, 12, 0, 1, 234_000, UTC)
DAY = timedelta(days=1)
ADA = Connection("ada-1", "ada", "Ada", "customer", NOW)
MESSAGE = Message("00000000000a-0000000000000000", "support", "ada", "Ada", "customer", "Grüße", NOW, "c-1")
Rows = dict[tuple[str, str], dict[str, Any]]


def rows(chat: Chat) -> Rows:
    """Return what is stored, by its key."""
    items = chat.dynamodb.scan(TableName="ChatTable")["Items"]
    return {(item.pop("pk")["S"], item.pop("sk")["S"]): item for item in items}


def seconds(moment: datetime) -> dict[str, str]:
    return {"N": str(int(moment.timestamp()))}


def frames(count: int, now: datetime = NOW) -> Rows:
    """Return the row that counts a user's frames."""
    window = int(now.timestamp()) // 10
    return {("customer#ada", f"frames#{window}"): {"frames": {"N": str(count)}, "expiresAt": {"N": f"{window + 1}0"}}}


def opened(*ids: str, at: datetime = NOW) -> Rows:
    """Return the row that lists a user's connections."""
    entries = [f"2026-11-20T12:00:01.234Z#{connection_id}" for connection_id in ids]
    return {
        ("customer#ada", "connections"): {
            **({"opened": {"SS": entries}} if entries else {}),
            "expiresAt": seconds(at + timedelta(hours=2, minutes=10)),
        }
    }


CONNECTION: Rows = {
    ("connection#ada-1", "connection"): {
        "customerId": {"S": "ada"},
        "name": {"S": "Ada"},
        "group": {"S": "customer"},
        "connectedAt": {"S": "2026-11-20T12:00:01.234Z"},
        "expiresAt": seconds(ADA.expires_at),
    }
}
MEMBER: Rows = {("room#support", "member#ada-1"): {"expiresAt": seconds(ADA.expires_at)}}
WRITTEN: Rows = {
    ("room#support", f"message#{MESSAGE.id}"): {
        "senderId": {"S": "ada"},
        "name": {"S": "Ada"},
        "group": {"S": "customer"},
        "text": {"S": "Grüße"},
        "sentAt": {"S": "2026-11-20T12:00:01.234Z"},
        "clientId": {"S": "c-1"},
        "expiresAt": seconds(NOW + 30 * DAY),
    },
    ("sender#ada", "sent#support#c-1"): {
        "messageId": {"S": MESSAGE.id},
        "textHash": {"S": hashlib.sha256("Grüße".encode()).hexdigest()},
        "sentAt": {"S": "2026-11-20T12:00:01.234Z"},
        "expiresAt": seconds(NOW + DAY),
    },
}


def in_rooms(*rooms: str) -> Rows:
    (key, row), *_ = CONNECTION.items()
    return {key: {**row, "rooms": {"SS": list(rooms)}}}
