"""Shows what the functions log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tools.console import Problem, say, styled
from tools.stack.stack import Stack

_POLL_SECONDS = 1.0
_LATE_MILLISECONDS = 10_000  # how much later than others a line may arrive
_LEVEL_STYLES = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}
_NOT_SHOWN = {
    *("level", "location", "message", "timestamp", "service", "cold_start", "exception", "exception_name"),
    *("function_name", "function_memory_size", "function_arn", "function_request_id", "stack_trace", "xray_trace_id"),
}
_NOISE = ("START RequestId", "END RequestId", "REPORT RequestId")


def show(stack: Stack, function: str | None, minutes: float, follow: bool) -> None:
    """Print the functions' log lines, oldest first.

    Parameters
    ----------
    stack
        The stack the functions belong to.
    function
        Only functions with this in their name, in any case, with or without hyphens; all of them if it is not given.
    minutes
        How far back to begin.
    follow
        Whether to go on with new lines until interrupted.
    """
    logs = stack.client("logs")
    part = (function or "").replace("-", "").lower()
    groups = {name: group for name, group in _log_groups(stack).items() if part in name.replace("-", "")}
    if not groups:
        raise Problem(f"no function has {function!r} in its name: leave --function out to see all of them")
    since = int((time.time() - minutes * 60) * 1000)
    shown: set[tuple[Any, ...]] = set()
    while True:
        events = sorted(_events(logs, groups, since), key=lambda event: event["timestamp"])
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


def _log_groups(stack: Stack) -> dict[str, str]:
    """The log group of each function, by the function's name."""
    groups = stack.resources("AWS::Logs::LogGroup").values()
    return {group.rpartition("/")[2]: group for group in groups if group.startswith("/aws/lambda/")}


def _events(logs: Any, groups: dict[str, str], since: int) -> Iterator[dict[str, Any]]:
    for name, group in groups.items():
        try:
            pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since))
        except logs.exceptions.ResourceNotFoundException:
            continue  # it has not run yet
        for page in pages:
            yield from ({**event, "function": name} for event in page["events"])


def _print(event: dict[str, Any]) -> None:
    clock = time.strftime("%H:%M:%S", time.localtime(event["timestamp"] / 1000))
    heading = f"{styled(clock, 'dim')} {styled(event['function'], 'cyan')}"
    for line in event["message"].rstrip().splitlines():
        if not line.startswith(_NOISE):
            say(f"{heading} {readable(line)}")


def readable(line: str) -> str:
    """Return a log line for a person: a JSON record as its level, message and fields, anything else as it is."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict):
        return line
    if "_aws" in record:
        names = [metric["Name"] for group in record["_aws"]["CloudWatchMetrics"] for metric in group["Metrics"]]
        return styled("metrics " + " ".join(f"{name}={record[name]}" for name in names), "dim")
    level = record.get("level", "INFO")
    fields = " ".join(f"{name}={value}" for name, value in record.items() if name not in _NOT_SHOWN and value)
    exception = f"\n{record['exception']}" if "exception" in record else ""
    return (
        f"{styled(level, _LEVEL_STYLES.get(level, 'dim'))} {record.get('message')} {styled(fields, 'dim')}{exception}"
    )
