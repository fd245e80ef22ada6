"""Tickets, each of which opens one connection to the chat.

A browser cannot send a header with a WebSocket's handshake, so the proof of identity stands in the URL, where logs and
histories keep it. Therefore it is a ticket and not a token: valid once, and for a minute. The table keeps its SHA-256;
nobody finds a ticket of 256 random bits by its hash.
"""

import hashlib
import re
import secrets
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

TICKET_SECONDS = 60
TICKET_PATTERN = "[A-Za-z0-9_-]{43}"
SUPPORT, CUSTOMER = "support", "customer"

_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """The user who may connect, and the time until which they may.

    Parameters
    ----------
    customer_id
        The subject of the ID token that the ticket was asked for with.
    name
        The name that others in the chat see.
    group
        `support` or `customer`.
    expires_at
        The time of expiry in whole seconds, as the table keeps it.
    """

    customer_id: str
    name: str
    group: str
    expires_at: datetime

    @classmethod
    def of(cls, customer_id: str, name: str, groups: AbstractSet[str], now: datetime) -> "Ticket":
        """Return the ticket of somebody who is in these groups of the user pool."""
        expires_at = (now + timedelta(seconds=TICKET_SECONDS)).replace(microsecond=0)
        return cls(customer_id, name, SUPPORT if SUPPORT in groups else CUSTOMER, expires_at)


def new_ticket() -> str:
    """Make a ticket's text; it is shown once."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def is_ticket(text: object) -> bool:
    """Tell whether this can be a ticket, from its first character to its last."""
    return isinstance(text, str) and re.fullmatch(TICKET_PATTERN, text) is not None


def hash_of(ticket: str) -> str:
    """Return what is kept of a ticket's text."""
    return hashlib.sha256(ticket.encode()).hexdigest()
