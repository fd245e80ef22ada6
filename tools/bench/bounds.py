"""How slow a cold start may be, and how large: what is promised of each function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Of what is shipped, imported from source and from bytecode: this many times longer at the least.
SPEED_UP = 2.0
MEGABYTES_OF_PACKAGE = 20


@dataclass(frozen=True)
class Bound:
    """What a function must keep.

    Attributes
    ----------
    ratio
        Of its cold start to the boto3 floor's; none is promised of the hooks of a release, for which nobody waits.
    megabytes
        Peak memory.
    """

    ratio: float | None
    megabytes: int


_AUTHORIZER = Bound(1.1, 70)
_HANDLER = Bound(1.3, 70)
_WITH_PYDANTIC = Bound(1.5, 70)
_WITH_REQUESTS = 75
_PROCESSOR = Bound(1.6, _WITH_REQUESTS)

BOUNDS: Mapping[str, Bound] = {
    "answer-ping": _WITH_PYDANTIC,
    "authorize-connection": _AUTHORIZER,
    "authorize-partner": _AUTHORIZER,
    "authorize-webhook": _AUTHORIZER,
    "pre-traffic-hook": Bound(None, 70),
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
    "process-orders": _PROCESSOR,
    "process-partner-orders": _WITH_PYDANTIC,
    "publish-order-events": _HANDLER,
    "put-product": _WITH_PYDANTIC,
    "receive-payment-event": _WITH_PYDANTIC,
    # It settles what the processor has left, with the same payment provider.
    "reconcile-orders": _PROCESSOR,
    "refuse-frame": _HANDLER,
    "send-message": _WITH_PYDANTIC,
    "show-history": _WITH_PYDANTIC,
    "post-traffic-hook": Bound(None, _WITH_REQUESTS),
}
