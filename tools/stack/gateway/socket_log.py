"""The records of a WebSocket API's requests: a line of the stage's access log, and the API's metrics.

Connections that an authorizer refuses reach no route, and are not recorded.
Logging: https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
Metrics: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-metrics-and-dimensions.html
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from ministack.services import apigateway as v2
from ministack.services import cloudwatch

from tools.stack.gateway import watching

Json = dict[str, Any]
_FIRST_ERROR = 400
_COUNTED = {"CONNECT": "ConnectCount", "MESSAGE": "MessageCount"}


def logged(answer: Callable[..., Awaitable[Json]]) -> Callable[..., Awaitable[Json]]:
    """Record each request that reaches a route, after its answer."""

    @wraps(answer)
    async def answered(api_id: str, account: str, region: str, route: Json, *rest: Any, **more: Any) -> Json:
        begun = time.perf_counter()
        given = await answer(api_id, account, region, route, *rest, **more)
        milliseconds = round(1000 * (time.perf_counter() - begun))
        stage, connection_id, event_type, request_id, _, source_ip, headers = rest
        key, status = route["routeKey"], int(given["statusCode"])
        _count(api_id, stage, event_type, status, milliseconds)
        log = (v2._stages.get(api_id, {}).get(stage) or {}).get("accessLogSettings") or {}
        if log.get("destinationArn") and log.get("format"):
            context = v2._ws_request_context(
                api_id, key, stage, connection_id, event_type, request_id, source_ip, headers
            )
            context |= {"status": status, "integrationStatus": status, "integrationLatency": milliseconds}
            context |= {"authorizer": more.get("authorizer") or {}}
            context |= {"messageId": request_id} if event_type == "MESSAGE" else {}
            watching.write_line(log, f"{api_id}_{stage}", context)
        return given

    return answered


def _count(api_id: str, stage: str, event_type: str, status: int, milliseconds: int) -> None:
    values: list[tuple[str, float, str]] = [("IntegrationLatency", milliseconds, "Milliseconds")]
    values.append(("IntegrationError", status >= _FIRST_ERROR, "Count"))
    if event_type in _COUNTED:
        values.append((_COUNTED[event_type], 1, "Count"))
    for metric, value, unit in values:
        for dimensions in ({"ApiId": api_id}, {"ApiId": api_id, "Stage": stage}):
            cloudwatch.record_metric("AWS/ApiGateway", metric, float(value), unit, dimensions)
