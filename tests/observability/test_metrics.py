"""Every metric is looked at, and everything that is looked at is a metric."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from storefront.orders import process_orders, reconcile_orders
from tests.observability.deployed import STACK, alarms, deployed
from tools.testing.aws import Aws
from tools.testing.events import Context, sqs_record
from tools.testing.metrics_in_code import metrics_in_code
from tools.testing.template import Json, resources, walk

OURS = "Storefront"
# A log line of its own form, for the alarms that roll back releases; its dimensions are a function's.
OF_RELEASES = {"Faults"}


def made_by_filters() -> set[str]:
    filters = resources("AWS::Logs::MetricFilter").values()
    return {made["MetricName"] for one in filters for made in one["MetricTransformations"]}


def on_the_dashboard() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield namespace, name and dimensions of each metric that a widget shows by name."""
    (dashboard,) = deployed("AWS::CloudWatch::Dashboard").values()
    for widget in json.loads(dashboard["DashboardBody"])["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            texts = [part for part in metric if isinstance(part, str)]
            if texts:
                yield texts[0], texts[1], dict(zip(texts[2::2], texts[3::2], strict=True))


def in_an_alarm() -> set[str]:
    found = [node for _, node in walk(deployed("AWS::CloudWatch::Alarm")) if _is_ours(node)]
    return {node["MetricName"] for node in found}


def _is_ours(node: Any) -> bool:
    return isinstance(node, dict) and node.get("Namespace") == OURS


def test_what_the_code_sends_is_known() -> None:
    assert metrics_in_code() >= {"OrdersAccepted", "OrdersNotProcessed", "ChatPostsFailed", "OrdersUnsettled"}


def test_each_metric_is_on_the_dashboard_or_in_an_alarm_and_nothing_else_is() -> None:
    sent = metrics_in_code() | made_by_filters()

    shown = {name for namespace, name, _ in on_the_dashboard() if namespace == OURS}

    assert shown | (in_an_alarm() - OF_RELEASES) == sent


def test_the_dashboard_shows_our_metrics_with_the_dimension_that_they_are_sent_with() -> None:
    ours = [(name, dimensions) for namespace, name, dimensions in on_the_dashboard() if namespace == OURS]

    assert [name for name, dimensions in ours if dimensions != {"service": STACK}] == []


def test_the_dashboard_shows_what_alarms_watch_with_the_same_dimensions() -> None:
    shown = {(namespace, name): dimensions for namespace, name, dimensions in on_the_dashboard()}

    for name, alarm in alarms().items():
        dimensions = shown.get((alarm["Namespace"], alarm["MetricName"]))
        if dimensions:
            assert dimensions.keys() == {each["Name"] for each in alarm["Dimensions"]}, name


@pytest.mark.parametrize(
    ("handler", "event", "expected"),
    [
        (reconcile_orders.handler, {}, {"OrdersUnsettled", "OrdersReviewed", "OrderReviewsFailed"}),
        (process_orders.handler, {"Records": [sqs_record({"no": "order"})]}, {"OrdersNotProcessed"}),
    ],
)
def test_what_a_function_sends_has_one_dimension_the_stack(
    aws: Aws, capsys: pytest.CaptureFixture[str], handler: Any, event: Json, expected: set[str]
) -> None:
    handler(event, Context())

    # "Specification: Embedded metric format", Amazon CloudWatch User Guide
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    definitions = [one for line in lines for one in line["_aws"]["CloudWatchMetrics"] if one["Namespace"] == OURS]
    dimensions = {metric["Name"]: one["Dimensions"] for one in definitions for metric in one["Metrics"]}
    assert dimensions.keys() - OF_RELEASES == expected
    assert all(dimensions[name] == [["service"]] for name in expected)


@pytest.mark.parametrize("authorizer", ["AuthorizePartner", "AuthorizeWebhook", "AuthorizeConnection"])
def test_what_an_authorizer_logs_as_an_error_is_counted(authorizer: str) -> None:
    (found,) = [
        one
        for one in resources("AWS::Logs::MetricFilter").values()
        if one["LogGroupName"]["Ref"] == f"{authorizer}Logs"
    ]
    (made,) = found["MetricTransformations"]

    assert found["FilterPattern"] == '{ $.level = "ERROR" && $.service = "*" }'
    assert made["Dimensions"] == [{"Key": "service", "Value": "$.service"}]
    # With a dimension there must be none.
    assert "DefaultValue" not in made
