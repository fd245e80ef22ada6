"""The records of a request: a line of the stage's access log, and the API's metrics.

Set up logging: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
Metrics: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
"""

from __future__ import annotations

import re
import time
from typing import Any

from ministack.services import apigateway_v1 as v1
from ministack.services import cloudwatch, cloudwatch_logs

from tools.stack.gateway import stages
from tools.stack.gateway.exchange import Answer, Exchange, dig

Json = dict[str, Any]
_VARIABLE = re.compile(r"\$context\.([A-Za-z][\w.]*\w)")
_FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 400, 500


def note(exchange: Exchange, answer: Answer, refusal: Any) -> None:
    """Write the line, in the stage's format, and count."""
    milliseconds = round(1000 * (time.time() - exchange.started))
    _count(exchange, answer[0], milliseconds)
    log = exchange.stage.get("accessLogSettings") or {}
    if log.get("destinationArn") and log.get("format"):
        context = exchange.context | _outcome(exchange, answer, refusal, milliseconds)
        line = _VARIABLE.sub(lambda match: str(dig(context, match[1], "-")) or "-", log["format"])
        _write(log["destinationArn"].split(":log-group:")[1].removesuffix(":*"), exchange, line)


def _outcome(exchange: Exchange, answer: Answer, refusal: Any, milliseconds: int) -> Json:
    integration: Json = {}
    if exchange.integration_milliseconds is not None:
        status = "-" if refusal else answer[0]
        integration = {"latency": exchange.integration_milliseconds, "status": status, "integrationStatus": status}
    error = (
        {}
        if refusal is None
        else {
            "responseType": refusal.response_type,
            "message": refusal.message or "-",
            "messageString": f'"{refusal.message}"',
            "validationErrorString": getattr(refusal, "validation", "") or "-",
        }
    )
    return {
        "status": answer[0],
        "responseLength": len(answer[2]),
        "responseLatency": milliseconds,
        "integration": integration,
        "integrationLatency": integration.get("latency", "-"),
        "integrationStatus": integration.get("status", "-"),
        "error": error,
    }


def _count(exchange: Exchange, status: int, milliseconds: int) -> None:
    values: list[tuple[str, float, str]] = [
        ("Count", 1, "Count"),
        ("Latency", milliseconds, "Milliseconds"),
        ("4XXError", _FIRST_CLIENT_ERROR <= status < _FIRST_SERVER_ERROR, "Count"),
        ("5XXError", status >= _FIRST_SERVER_ERROR, "Count"),
    ]
    if exchange.integration_milliseconds is not None:
        values.append(("IntegrationLatency", exchange.integration_milliseconds, "Milliseconds"))
    if exchange.cache_hit is not None:
        values.append(("CacheHitCount" if exchange.cache_hit else "CacheMissCount", 1, "Count"))
    name = (v1._rest_apis.get(exchange.api_id) or {}).get("name", exchange.api_id)
    dimensions: list[Json] = [{"ApiName": name}, {"ApiName": name, "Stage": exchange.stage_name}]
    path = exchange.resource.get("path")
    if path and stages.setting(exchange.stage, path, exchange.verb).get("metricsEnabled"):
        dimensions.append(dimensions[-1] | {"Resource": path, "Method": exchange.verb})
    for metric, value, unit in values:
        for each in dimensions:
            cloudwatch.record_metric("AWS/ApiGateway", metric, float(value), unit, each)


def _write(group: str, exchange: Exchange, line: str) -> None:
    stream = f"{exchange.api_id}_{exchange.stage_name}"
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    event = {"timestamp": int(time.time() * 1000), "message": line}
    cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": [event]})
