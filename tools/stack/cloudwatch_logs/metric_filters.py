"""Metric filters: log events that fit a pattern become data of a metric.

Creating metrics from log events using filters:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from tools.stack.cloudwatch_logs.filter_pattern import compiled, parsed, selected

Json = dict[str, Any]


def fitting(_: Callable[..., bool]) -> Callable[..., bool]:
    """Ask for a subscription filter's whole pattern; the emulator looks for its words."""
    return lambda pattern, message: compiled(pattern)(message or "")


def read_first(put: Callable[[Json], Any]) -> Callable[[Json], Any]:
    """Refuse a metric filter whose pattern cannot be read."""

    def put_metric_filter(request: Json) -> Any:
        compiled(request.get("filterPattern", ""))
        return put(request)

    return put_metric_filter


def counted(fan_out: Callable[..., None]) -> Callable[..., None]:
    """Count new log events where the emulator hands them to subscription filters, which it does with all of them."""

    def fan_out_to_filters(group: str, stream: str, events: list[Json]) -> None:
        for found in [each for each in cloudwatch_logs._metric_filters.values() if each["logGroupName"] == group]:
            _count(found, [str(event.get("message", "")) for event in events])
        fan_out(group, stream, events)

    return fan_out_to_filters


def _count(metric_filter: Json, messages: list[str]) -> None:
    """Publish a value for each event that fits, or the default value if none does.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    fits = compiled(metric_filter["filterPattern"])
    events = [parsed(message) for message in messages if fits(message)]
    for transformation in metric_filter["metricTransformations"]:
        for event in events:
            _publish(transformation, _value(event, transformation["metricValue"]), event)
        if not events and messages:
            _publish(transformation, transformation.get("defaultValue"), None)


def _publish(transformation: Json, value: float | None, event: Any) -> None:
    dimensions = {name: selected(event, field) for name, field in (transformation.get("dimensions") or {}).items()}
    if value is None or None in dimensions.values():
        return
    name = (transformation["metricNamespace"], transformation["metricName"])
    texts = {dimension: str(text) for dimension, text in dimensions.items()}
    cloudwatch.record_metric(*name, value, transformation.get("unit", "None"), texts)


def _value(event: Any, value: str) -> float | None:
    """Return a number, or the number at a selector in the event."""
    try:
        return float(selected(event, value) if value.startswith("$") else value)
    except (TypeError, ValueError):
        return None
