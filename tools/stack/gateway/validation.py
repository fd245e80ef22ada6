"""Required parameters, and the body against its model, before anything is called.

Request validation for REST APIs:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

import json

from jsonschema import Draft4Validator
from ministack.services import apigateway_v1 as v1

from tools.stack.gateway.document import JSON
from tools.stack.gateway.exchange import Exchange
from tools.stack.gateway.refusals import Refusal


def refused(exchange: Exchange) -> Refusal | None:
    """Have the emulator check, and say how a body breaks its model: ``$context.error.validationErrorString``."""
    refusal = v1._check_request_validation(
        *(exchange.method, exchange.api_id, exchange.request, exchange.headers, exchange.body),
        exchange.parameters["querystring"],  # of each parameter one value, which may be blank
    )
    if refusal is None or refusal.response_type != "BAD_REQUEST_BODY":
        return refusal  # type: ignore[no-any-return]
    return Refusal(refusal.response_type, refusal.message, _how_it_breaks(exchange))


def _how_it_breaks(exchange: Exchange) -> str:
    models = exchange.method["requestModels"]
    kind = exchange.header("content-type", JSON).split(";")[0].strip()
    schema = v1._model_schema(exchange.api_id, models.get(kind) or models[JSON])
    try:
        document = json.loads(exchange.body)
    except (ValueError, RecursionError):
        return "Can not parse request body: it is not JSON"
    return f"[{', '.join(sorted(error.message for error in Draft4Validator(schema).iter_errors(document)))}]"
