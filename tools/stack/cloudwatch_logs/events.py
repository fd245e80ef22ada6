"""Log events as the rows of a query: with the fields that Logs Insights discovers in them.

Supported logs and discovered fields: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tools.stack.cloudwatch_logs.expressions import Row, Time
from tools.stack.cloudwatch_logs.filter_pattern import parsed

_MEGABYTE = 1_000_000
_LAMBDA = re.compile(r"(START|END|REPORT) RequestId: (\S+)")
_REPORTED = {
    "Duration": ("@duration", 1),
    "Billed Duration": ("@billedDuration", 1),
    "Init Duration": ("@initDuration", 1),
    "Memory Size": ("@memorySize", _MEGABYTE),
    "Max Memory Used": ("@maxMemoryUsed", _MEGABYTE),
}
_REPORT = re.compile(r"\t([A-Z][A-Za-z ]+): ([\d.]+) (?:ms|MB)")


def as_row(record: dict[str, Any]) -> Row:
    """Return the fields of a log event: those of every event, of its JSON, and of Lambda's own lines."""
    message = record["@message"]
    row: Row = {name: value for name, value in record.items() if name.startswith("@")}
    row |= {"@timestamp": Time(record["_timestamp_ms"])}
    event = parsed(message)
    return row | (_of_lambda(message) if event is None else dict(_flat(event)))


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a JSON object, named by their path: ``user.id``, ``items.0``."""
    if not isinstance(node, dict | list):
        yield path, node
        return
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield from _flat(value, f"{path}.{name}" if path else str(name))


def _of_lambda(message: str) -> Row:
    line = _LAMBDA.match(message)
    if line is None:
        return {}
    numbers = {name: float(value) for name, value in _REPORT.findall(message)}
    reported = {field: numbers[name] * factor for name, (field, factor) in _REPORTED.items() if name in numbers}
    return {"@type": line[1], "@requestId": line[2]} | reported
