"""Shows what the functions log."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

from storefront.shared.text import printable
from tools.console import Problem, say, styled
from tools.stack.stack import Stack

_POLL_SECONDS = 1.0
_LATE_MILLISECONDS = 10_000  # how much later than others a line may arrive
LEVEL_STYLES = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}
_NOT_SHOWN = {
    *("level", "location", "message", "timestamp", "service", "cold_start", "exception", "exception_name"),
    *("function_name", "function_memory_size", "function_arn", "function_request_id", "stack_trace", "xray_trace_id"),
}
_NOISE = ("START RequestId", "END RequestId", "REPORT RequestId")


def show(stack: Stack, function: str | None, minutes: float, follow: bool) -> None:
    """Print what functions with this in their name log, oldest first; with ``follow``, go on until interrupted."""
    logs = stack.client("logs")
    part = (function or "").replace("-", "").lower()
    groups = [
        group
        for group in stack.resources("AWS::Logs::LogGroup").values()
        if group.startswith("/aws/lambda/") and part in group.rpartition("/")[2].replace("-", "")
    ]
    if not groups:
        raise Problem(f"no function has {function!r} in its name: leave --function out to see all of them")
    since = int((time.time() - minutes * 60) * 1000)
    shown: set[tuple[Any, ...]] = set()
    while True:
        events = sorted(
            (event for group in groups for event in events_in(logs, group, since)),
            key=lambda event: int(event["timestamp"]),
        )
        for event in events:
            identity = (event["function"], event["logStreamName"], event["timestamp"], event["message"])
            if identity not in shown:
                shown.add(identity)
                _print(event)
        if not follow:
            return
        if events:
            since = max(since, events[-1]["timestamp"] - _LATE_MILLISECONDS)
        time.sleep(_POLL_SECONDS)


def events_in(logs: Any, group: str, since: int, pattern: str = "") -> list[dict[str, Any]]:
    """Return a log group's events since a time in milliseconds; none if nothing has logged there yet."""
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=since, filterPattern=pattern
        )
        return [{**event, "function": group.rpartition("/")[2]} for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def _print(event: dict[str, Any]) -> None:
    clock = time.strftime("%H:%M:%S", time.localtime(event["timestamp"] / 1000))
    heading = f"{styled(clock, 'dim')} {styled(event['function'], 'cyan')}"
    for line in event["message"].rstrip().splitlines():
        if not line.startswith(_NOISE):
            say(f"{heading} {readable(line)}")


def readable(line: str) -> str:
    """Return a log line for a person: a JSON record as its level, message and fields; all of it is made printable."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return printable(line)
    if not isinstance(record, dict):
        return printable(line)
    with suppress(LookupError, TypeError):
        names = [metric["Name"] for group in record["_aws"]["CloudWatchMetrics"] for metric in group["Metrics"]]
        return styled(printable("metrics " + " ".join(f"{name}={record[name]}" for name in names)), "dim")
    level = printable(record.get("level", "INFO"))
    fields = " ".join(f"{name}={value}" for name, value in record.items() if name not in _NOT_SHOWN and value)
    exception = "".join(f"\n{printable(part)}" for part in str(record.get("exception", "")).splitlines())
    heading = f"{styled(level, LEVEL_STYLES.get(level, 'dim'))} {printable(record.get('message'))}"
    return f"{heading} {styled(printable(fields), 'dim')}{exception}"
