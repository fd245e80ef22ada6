"""Gateway responses: what a client gets when its request ends before, or in, the integration.

Gateway responses in API Gateway:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import apigateway_v1 as v1

Json = dict[str, Any]
_VALIDATION = b"$context.error.validationErrorString"
_BAD_GATEWAY = 502
_UNCHANGED = 500


class Refusal(v1._GatewayError):  # type: ignore[misc]
    """A refusal of the gateway's; ``validation`` says how a body breaks its model."""

    def __init__(
        self, response_type: str, message: str | None, validation: str = "", status: int | None = None
    ) -> None:
        super().__init__(response_type, message)
        self.validation = validation
        self.status = status


def bad_gateway() -> Refusal:
    """A function that has failed, or whose answer is not a proxy answer: 502 in the shape of DEFAULT_5XX.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return Refusal("DEFAULT_5XX", "Internal server error", status=_BAD_GATEWAY)


def rendered(refusal: Any, request: Json) -> tuple[int, Json, bytes]:
    """Return a refusal as the gateway response of its type in the stage's deployment makes it."""
    status, headers, body = v1._gateway_error_response(refusal, request)
    validation = getattr(refusal, "validation", "") or refusal.message or ""
    body = body.replace(_VALIDATION, json.dumps(validation)[1:-1].encode())
    chosen = getattr(refusal, "status", None)  # unless the gateway response has a status of its own
    return chosen if chosen and status == _UNCHANGED else status, headers, body
