"""The one logger and the one metrics collector of a function.

Both are configured by `POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE` and `POWERTOOLS_LOG_LEVEL`. Log lines
carry identifiers only: no token, no secret, no e-mail address, no body.
"""

import json
import os
import time
import warnings
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

__all__ = ["MetricUnit", "count_fault", "logger", "metrics"]

# Most invocations have nothing to count, and need no warning about it.
warnings.filterwarnings("ignore", "No application metrics to publish")

_MAX_FIELD_CHARACTERS = 1_000
_MAX_TRACEBACK_CHARACTERS = 20_000
_TRACEBACKS = {"exception", "stack_trace"}


def _as_line(record: dict[str, Any]) -> str:
    """Return a log line in ASCII, with every field cut to a size.

    Some fields come from outside. Escaped, they turn no line of a terminal round, and half a surrogate pair cannot keep
    the line from being written.
    """
    fields = {name: _cut(name, value) for name, value in record.items()}
    return json.dumps(fields, default=lambda value: _cut("", str(value)), separators=(",", ":"))


def _cut(name: str, value: object) -> object:
    limit = _MAX_TRACEBACK_CHARACTERS if name in _TRACEBACKS else _MAX_FIELD_CHARACTERS
    if isinstance(value, dict):
        return {key: _cut(name, part) for key, part in value.items()}
    if isinstance(value, list):
        return [_cut(name, part) for part in value]
    if isinstance(value, str) and len(value) > limit:
        # The end of a traceback says most.
        return f"…{value[-limit:]}" if name in _TRACEBACKS else f"{value[:limit]}…"
    return value


logger = Logger(json_serializer=_as_line)
metrics = Metrics()


def count_fault() -> None:
    """Count an unexpected failure that is turned into an answer: to Lambda the invocation has succeeded.

    The alarms that roll a release back add this to Lambda's own `Errors`. So it has the dimensions of a function and of
    its version, and no others: Powertools would add the service to them, and the alarms would watch another metric. It
    is a log line, complete in itself ("Specification: Embedded metric format", Amazon CloudWatch User Guide), and needs
    no `metrics.log_metrics` around it.
    """
    definition = {
        "Namespace": metrics.namespace,
        "Dimensions": [["FunctionName"], ["FunctionName", "ExecutedVersion"]],
        "Metrics": [{"Name": "Faults", "Unit": MetricUnit.Count.value}],
    }
    fault = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [definition]},
        "FunctionName": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        "ExecutedVersion": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "Faults": 1,
    }
    print(json.dumps(fault))
