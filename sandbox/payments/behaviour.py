"""How the sandbox behaves: the last two digits of the amount choose.

The catalogue's ordinary prices end in 00 or 50, so only the products of the category `payment-tests` choose anything.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the sandbox's table.

    Parameters
    ----------
    sku
        The product of the seeded catalogue whose price chooses this row.
    charge, outcome
        In words: what `POST /charges` does, and how the order ends.
    status
        The status in the books after the charge; `None` where it never gets that far.
    failures
        How many calls fail before one gets that far.
    seconds
        How long the call that makes the charge takes to answer.
    loses_answer
        The charge is made, and yet each call answers 500: only a look-up tells.
    decided_by_event
        The charge stays pending until somebody decides it and sends the event (`storefront webhook`).
    """

    sku: str
    charge: str
    outcome: str
    status: str | None = "approved"
    failures: int = 0
    seconds: float = 0
    loses_answer: bool = False
    decided_by_event: bool = False


APPROVES = Behaviour("any other", charge="200, approved", outcome="CONFIRMED")

BEHAVIOURS = {
    1: Behaviour("PAY-DECLINED", charge="402, declined", outcome="REJECTED", status="declined"),
    2: Behaviour("PAY-RECOVERS", charge="500, then 200, approved", outcome="CONFIRMED", failures=1),
    3: Behaviour(
        "PAY-SLOW", charge="charges, and answers after the client's time limit", outcome="CONFIRMED", seconds=4
    ),
    4: Behaviour("PAY-FAILS", charge="500 for ever, no charge", outcome="dead-lettered, still RESERVED", status=None),
    5: Behaviour("PAY-LOOKUP", charge="charges, and answers 500 for ever", outcome="CONFIRMED", loses_answer=True),
    6: Behaviour(
        "PAY-PENDING",
        charge="202, pending; approved at the first look-up after a minute",
        outcome="AWAITING_PAYMENT, then CONFIRMED",
        status="pending",
    ),
    7: Behaviour(
        "PAY-WEBHOOK",
        charge="202, pending until its webhook is sent",
        outcome="AWAITING_PAYMENT, then as the webhook says",
        status="pending",
        decided_by_event=True,
    ),
}

PENDING_SECONDS = 60


def behaviour_of(amount: int) -> Behaviour:
    """Return the behaviour that an amount in minor units chooses."""
    return BEHAVIOURS.get(amount % 100, APPROVES)
