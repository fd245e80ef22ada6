"""A message in a room."""

import secrets
from dataclasses import dataclass
from datetime import datetime

MESSAGE_ID_PATTERN = r"^[0-9a-f]{12}-[0-9a-f]{16}$"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is stored.

    Parameters
    ----------
    id
        Sorts as text in the order of time.
    client_id
        The sender's own id for it: the same one when they send it again.
    """

    id: str
    room: str
    sender_id: str
    name: str
    group: str
    text: str
    sent_at: datetime
    client_id: str


def new_message_id(time: datetime) -> str:
    """Return a new id for a message of this time; of two in the same millisecond, either may come first."""
    return f"{int(time.timestamp() * 1000):012x}-{secrets.token_hex(8)}"
