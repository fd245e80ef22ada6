"""The records of a request: a line of the stage's access log, its execution log, and the API's metrics.

Set up logging: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
Metrics: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
"""

from __future__ import annotations

import re
import time
from typing import Any

from ministack.services import apigateway_v1 as v1
from ministack.services import cloudwatch, cloudwatch_logs

from tools.stack.gateway import execution_log, stages
from tools.stack.gateway.exchange import Exchange, dig
from tools.stack.gateway.execution_log import Trace

Json = dict[str, Any]
_VARIABLE = re.compile(r"\$context\.([A-Za-z][\w.]*\w)")
_FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 400, 500


def note(trace: Trace) -> None:
    """Keep the trace, count, and write to the stage's logs."""
    exchange, (status, _, body) = trace.exchange, trace.answer or (500, {}, b"")
    milliseconds = round(1000 * (time.time() - exchange.started))
    execution_log.keep(trace)
    _count(exchange, status, milliseconds)
    log = exchange.stage.get("accessLogSettings") or {}
    if log.get("destinationArn") and log.get("format"):
        context = exchange.context | _outcome(trace, status, len(body), milliseconds)
        write_line(log, f"{exchange.api_id}_{exchange.stage_name}", context)
    _write_execution(trace)


def write_line(log: Json, stream: str, context: Json) -> None:
    """Write a line of an access log, in its format; a hyphen stands for what is not known."""
    line = _VARIABLE.sub(lambda match: str(dig(context, match[1], "-")) or "-", log["format"])
    _write(log["destinationArn"].split(":log-group:")[1].removesuffix(":*"), stream, [line])


def _outcome(trace: Trace, status: int, length: int, milliseconds: int) -> Json:
    exchange, refusal = trace.exchange, trace.refusal
    integration: Json = {}
    if exchange.integration_milliseconds is not None:
        back = "-" if refusal else status
        integration = {"latency": exchange.integration_milliseconds, "status": back, "integrationStatus": back}
    authorizer: Json = {}
    if exchange.method.get("authorizationType") in {"CUSTOM", "COGNITO_USER_POOLS"}:
        refused = trace.step == execution_log.AUTHORIZER
        authorizer = {"latency": trace.authorizer_milliseconds, "status": status if refused else 200}
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
        "status": status,
        "responseLength": length,
        "responseLatency": milliseconds,
        "integration": integration,
        "integrationLatency": integration.get("latency", "-"),
        "integrationStatus": integration.get("status", "-"),
        "authorizer": exchange.context["authorizer"] | authorizer,
        "error": error,
    }


def _write_execution(trace: Trace) -> None:
    """Write the execution log: on the level ERROR what failed, on INFO all; headers and bodies with data trace only.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    exchange = trace.exchange
    setting = stages.setting(exchange.stage, exchange.resource.get("path", ""), exchange.verb)
    level = setting.get("loggingLevel", "OFF")
    if level != "INFO" and not (level == "ERROR" and trace.refusal):
        return
    kinds = {"error", "info"} if level == "INFO" else {"error"}
    kinds |= {"data"} if setting.get("dataTraceEnabled") and level == "INFO" else set()
    told = [line.text for line in execution_log.lines(trace) if line.kind in kinds]
    if told:
        group = f"API-Gateway-Execution-Logs_{exchange.api_id}/{exchange.stage_name}"
        identifier = exchange.context["requestId"]
        cloudwatch_logs._create_log_group({"logGroupName": group})
        _write(group, exchange.api_id, [f"({identifier}) {text}" for text in told])


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


def _write(group: str, stream: str, messages: list[str]) -> None:
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})
