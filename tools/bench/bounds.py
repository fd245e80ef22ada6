"""The limits that are promised: of each function's cold start, of its memory, and of its package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.console import Problem, say, styled

# The import of a package takes at least this many times longer without its bytecode.
SPEED_UP = 2.0
MEGABYTES_OF_PACKAGE = 20


@dataclass(frozen=True)
class Bound:
    """The limits of a function.

    Attributes
    ----------
    ratio
        Of its cold start to the boto3 floor's; the hooks of a release have none, since nobody waits for them.
    megabytes
        Peak memory.
    """

    ratio: float | None
    megabytes: int


_AUTHORIZER = Bound(1.1, 70)
_HANDLER = Bound(1.3, 70)
_WITH_PYDANTIC = Bound(1.5, 70)
_WITH_REQUESTS = 75
# The reconciler settles what the processor has left, with the same payment provider.
_PROCESSOR = Bound(1.6, _WITH_REQUESTS)

BOUNDS: Mapping[str, Bound] = {
    "answer-ping": _WITH_PYDANTIC,
    "authorize-connection": _AUTHORIZER,
    "authorize-partner": _AUTHORIZER,
    "authorize-webhook": _AUTHORIZER,
    "close-connection": _HANDLER,
    "create-ticket": _HANDLER,
    "deliver-order-status": _HANDLER,
    "get-order": _HANDLER,
    "get-partner-order": _HANDLER,
    "get-product": _HANDLER,
    "join-room": _WITH_PYDANTIC,
    "leave-room": _WITH_PYDANTIC,
    "list-orders": _HANDLER,
    "list-products": _HANDLER,
    "open-connection": _HANDLER,
    "payments-sandbox": _HANDLER,
    "place-order": _WITH_PYDANTIC,
    "post-traffic-hook": Bound(None, _WITH_REQUESTS),
    "pre-traffic-hook": Bound(None, 70),
    "process-orders": _PROCESSOR,
    "process-partner-orders": _WITH_PYDANTIC,
    "publish-order-events": _HANDLER,
    "put-product": _WITH_PYDANTIC,
    "receive-payment-event": _WITH_PYDANTIC,
    "reconcile-orders": _PROCESSOR,
    "refuse-frame": _HANDLER,
    "send-message": _WITH_PYDANTIC,
    "show-history": _WITH_PYDANTIC,
}


def tell(broken: Sequence[str], *, check: bool) -> None:
    """Show the bounds that are not kept.

    Raises
    ------
    Problem
        There are some, and they are checked.
    """
    for line in broken:
        say(styled(f"not kept: {line}", "red"))
    if broken and check:
        raise Problem(f"{len(broken)} bounds are not kept, see above")
