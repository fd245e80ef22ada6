"""The console's Test button, TestInvokeMethod, and the log of a request that has been answered."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ministack.core import responses
from ministack.services import apigateway_v1 as v1

from tools.stack.gateway import execution_log, way
from tools.stack.gateway.exchange import Exchange
from tools.stack.gateway.refusals import rendered

Json = dict[str, Any]
_STAGE = "test-invoke-stage"


def with_trials(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Know TestInvokeMethod, and the path at which ``storefront explain`` reads a request's log."""

    async def handle_request(method: str, path: str, headers: Json, body: bytes, query: Json) -> Any:
        match (method, *path.strip("/").split("/")):
            case "POST", "restapis", api_id, "resources", resource_id, "methods", verb:
                return await _tried(api_id, resource_id, verb, json.loads(body or b"{}"))
            case "GET", "restapis", _, "executions", request_id:
                lines = execution_log.kept(request_id)
                return _json({"lines": [asdict(line) for line in lines or []]}, 404 if lines is None else 200)
        return await handle(method, path, headers, body, query)

    return handle_request


async def _tried(api_id: str, resource_id: str, verb: str, asked: Json) -> Any:
    """Send a request to the API as it is now, deployed or not; no authorizer and no usage plan is asked.

    https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html
    """
    resource = v1._resources.get(api_id, {}).get(resource_id)
    if not resource or verb not in (resource.get("resourceMethods") or {}):
        return _json({"__type": "NotFoundException", "message": "Invalid Method identifier specified"}, 404)
    address = urlsplit(asked.get("pathWithQueryString") or resource["path"])
    headers = {name: values[-1] for name, values in (asked.get("multiValueHeaders") or {}).items()}
    request: Json = {
        "api_id": api_id,
        "stage_name": _STAGE,
        "method": verb,
        "path": address.path,
        "headers": headers | (asked.get("headers") or {}),
        "query_params": parse_qs(address.query, keep_blank_values=True),
        "body": (asked.get("body") or "").encode(),
        "path_params": {},
        "resource_path": "",
        "request_id": responses.new_uuid(),
    }
    owner = (responses.get_account_id(), responses.get_region())
    exchange = Exchange(api_id, _STAGE, request, owner)
    exchange.stage = request["stage"] = {"stageName": _STAGE, "variables": asked.get("stageVariables") or {}}
    if not way.find_method(exchange):
        exchange.found(resource, resource["resourceMethods"][verb], {})
    trace = execution_log.begun(exchange, asked=False)
    answer = await way.executed(trace)
    refusal = answer if isinstance(answer, v1._GatewayError) else None
    given = rendered(refusal, request) if refusal else answer
    trace.ended(given, refusal)
    return _json(_as_answer(trace))


def _json(value: Json, status: int = 200) -> tuple[int, Json, bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _as_answer(trace: execution_log.Trace) -> Json:
    status, headers, body = trace.answer or (500, {}, b"")
    several = {name: value if isinstance(value, list) else [str(value)] for name, value in headers.items()}
    return {
        "status": status,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "body": body.decode(errors="replace"),
        "log": execution_log.as_text(trace),
        "latency": round(1000 * (time.time() - trace.exchange.started)),
    }
