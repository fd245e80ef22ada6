"""The way of a request: method request, authorizer, validation, mapping, integration, mapping, response.

Where the way ends early, a gateway response is the answer ("refusals").
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ministack.core import responses
from ministack.services import apigateway_v1 as v1

from tools.stack.gateway import cache, callers, deployments, execution_log, integrations, stages, validation, watching
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.execution_log import Trace
from tools.stack.gateway.refusals import Refusal, rendered

Json = dict[str, Any]
# Quotas: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
_LARGEST_BODY = 10 * 1024 * 1024
_FORBIDDEN = (403, {"Content-Type": "application/json", "x-amzn-ErrorType": "ForbiddenException"})


async def handle(  # noqa: PLR0913, PLR0917 - the emulator's signature
    api_id: str,
    stage_name: str,
    method: str,
    path: str,
    headers: Json,
    body: bytes,
    query_params: Json,
    owner_account_id: str,
    owner_region: str,
) -> Answer:
    """Answer a request, and write about it in the stage's access log and in the API's metrics."""
    stage = v1._stages_v1.get(api_id, {}).get(stage_name)
    if stage is None:
        return *_FORBIDDEN, b'{"message":"Forbidden"}'
    request = {
        "api_id": api_id,
        "stage_name": stage_name,
        "method": method,
        "path": path,
        "headers": headers or {},
        "query_params": query_params or {},
        "body": body,
        "path_params": {},
        "resource_path": "",
        "request_id": responses.new_uuid(),
    }
    exchange = Exchange(api_id, stage_name, request, (owner_account_id, owner_region))
    exchange.stage = request["stage"] = stages.chosen(stage)
    trace = execution_log.begun(exchange)
    with deployments.served(api_id, exchange.stage.get("deploymentId")):
        answer = await _answered(trace)
        refusal = answer if isinstance(answer, v1._GatewayError) else None
        status, answered, text = rendered(refusal, request) if refusal else answer
        given: Answer = (status, answered | {"x-amzn-requestid": request["request_id"]}, text)
        trace.ended(given, refusal)
        watching.note(trace)
    return given


async def _answered(trace: Trace) -> Answer | Refusal:
    """Take the request as far as it comes.

    The steps are those of "API Gateway request flow", in this order: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-to-api.html
    """
    exchange = trace.exchange
    if not find_method(exchange):
        return Refusal("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
    if len(exchange.body) > _LARGEST_BODY:
        return Refusal("REQUEST_TOO_LARGE", "Request Too Long")
    trace.step = execution_log.AUTHORIZER
    begun = time.perf_counter()
    refusal = await callers.refused(exchange)
    trace.authorizer_milliseconds = round(1000 * (time.perf_counter() - begun))
    if refusal is None:
        trace.step = execution_log.USAGE_PLAN
        refusal = callers.over_a_limit(exchange)
    return refusal or await executed(trace)


async def executed(trace: Trace) -> Answer | Refusal:
    """Take a request whose caller may make it through validation, mappings and integration."""
    exchange = trace.exchange
    trace.step = execution_log.VALIDATION
    refusal = validation.refused(exchange)
    if refusal is None:
        trace.step = execution_log.REQUEST
        refusal = integrations.refused_for_its_media_type(exchange)
    if refusal is not None:
        return refusal
    trace.step = execution_log.INTEGRATION
    return await cache.through(exchange, lambda: integrations.answer(exchange))


def find_method(exchange: Exchange) -> bool:
    """Find the resource and method: the exact path before a parameter, and a parameter before ``{proxy+}``."""
    segments = [part for part in exchange.path.strip("/").split("/") if part]
    for match in (v1._match_resource_tree, lambda *known: v1._match_greedy_fallback(*known, exchange.verb)):
        with contextlib.suppress(KeyError):
            resource, parameters = match(exchange.api_id, segments)
            methods = (resource or {}).get("resourceMethods") or {}
            method = methods.get(exchange.verb) or methods.get("ANY")
            if method and method.get("methodIntegration"):
                exchange.found(resource, method, parameters)
                return True
    return False
