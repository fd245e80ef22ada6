"""A payment provider's statements about an order's charge."""

from dataclasses import dataclass
from enum import Enum, auto

# The provider's ids, in its answers and in its events.
ID_PATTERN = r"^[A-Za-z0-9_-]{1,128}$"


class Decision(Enum):
    """The status of a charge."""

    APPROVED = auto()
    DECLINED = auto()
    UNDECIDED = auto()


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge that the provider has on its books."""

    id: str
    decision: Decision


class PaymentUnresolved(Exception):
    """The provider gave no outcome, now. A transient failure: try again later."""
