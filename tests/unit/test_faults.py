"""Faults: what is answered and should not have happened is counted, as Lambda's own metric would not."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from storefront.chat import answer_ping, authorize_connection, close_connection
from storefront.orders import publish_order_events, reconcile_orders
from storefront.partners import authorize_partner
from storefront.payments import authorize_webhook
from storefront.shared.api import rest_handler
from storefront.shared.batch import BatchConsumer
from storefront.shared.errors import NotFound
from storefront.shared.faults import count_fault_in, is_overload
from storefront.shared.observability import count_fault, metrics
from tests.support.faults import aws_error
from tools.testing.aws import Aws
from tools.testing.events import Context, rest_event, sqs_record

OVERLOAD = aws_error("ThrottlingException")
BUG = KeyError("a bug")


class Broken:
    """A store or gateway that nothing works of."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise self._error

        return fail


class Waiting:
    def hide(self, receipt_handle: str, seconds: int) -> None: ...


def frame(action: str, event_type: str) -> dict[str, Any]:
    context = {
        "requestId": "r-1", "connectionId": "c-1", "eventType": event_type, "routeKey": action, "connectedAt": 0,
        "authorizer": {"customerId": "ada", "name": "Ada", "group": "customers"},
    }  # fmt: skip
    return {"requestContext": context, "body": json.dumps({"action": action, "requestId": "1"})}


def rest(error: Exception, _: pytest.MonkeyPatch) -> None:
    @rest_handler
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise error

    handler(rest_event(), Context())  # type: ignore[arg-type]


def queue(error: Exception, _: pytest.MonkeyPatch) -> None:
    def work(record: Any) -> dict[str, Any]:
        raise error

    consumer = BatchConsumer(
        work, Waiting(), subject="order", failures_metric="Failed", reserve_ms=1, retry_seconds=1,
        expected=(NotFound,),
    )  # fmt: skip
    consumer.consume({"Records": [sqs_record({})]}, Context())  # type: ignore[arg-type]
    metrics.clear_metrics()


def partner(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize_partner, "parse", getattr(Broken(error), "parse"))  # noqa: B009
    with pytest.raises(Exception, match="Unauthorized"):
        authorize_partner.handler({"authorizationToken": "Bearer any", "methodArn": "arn"}, Context())  # type: ignore[arg-type]


def webhook(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize_webhook, "_allowed", getattr(Broken(error), "any"))  # noqa: B009
    authorize_webhook.handler({"methodArn": "arn"}, Context())  # type: ignore[arg-type]


def ticket(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize_connection, "_answer", getattr(Broken(error), "any"))  # noqa: B009
    authorize_connection.handler({"methodArn": "arn"}, Context())  # type: ignore[arg-type]


def disconnect(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close_connection, "_connections", Broken(error))
    close_connection.handler(frame("$disconnect", "DISCONNECT"), Context())  # type: ignore[arg-type]


BOUNDARIES = [rest, queue, partner, webhook, ticket, disconnect]


def faults_in(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if '"Faults"' in line]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_an_unexpected_failure_that_is_answered_is_a_fault(
    aws: Aws, boundary: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boundary(BUG, monkeypatch)

    assert len(faults_in(capsys.readouterr().out)) == 1


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_overload_is_none(
    aws: Aws, boundary: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # It does not speak against a version: the one before would be as slow.
    boundary(OVERLOAD, monkeypatch)

    assert faults_in(capsys.readouterr().out) == []


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_service_that_does_not_answer_is_a_fault_it_may_be_called_wrongly(
    aws: Aws, boundary: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boundary(ReadTimeoutError(endpoint_url="https://dynamodb"), monkeypatch)

    assert len(faults_in(capsys.readouterr().out)) == 1


@pytest.mark.parametrize("boundary", [rest, queue])
def test_neither_is_what_was_to_be_expected(
    boundary: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boundary(NotFound("There is nothing here."), monkeypatch)

    assert faults_in(capsys.readouterr().out) == []


def test_a_frame_that_fails_is_a_fault(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given nowhere to answer to
    event = frame("ping", "MESSAGE")
    monkeypatch.setattr("storefront.chat.websocket._Desk.body", getattr(Broken(BUG), "any"))  # noqa: B009
    monkeypatch.setattr("storefront.chat.websocket._Desk.apologise", lambda *_: None)

    answer_ping.handler(event, Context())  # type: ignore[arg-type]

    assert len(faults_in(capsys.readouterr().out)) == 1


def test_a_change_that_cannot_be_read_is_a_fault(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publish_order_events, "_event_of", getattr(Broken(BUG), "any"))  # noqa: B009
    record = {"dynamodb": {"Keys": {"orderId": {"S": "o"}}, "SequenceNumber": "1"}}

    publish_order_events.handler({"Records": [record]}, Context())

    assert len(faults_in(capsys.readouterr().out)) == 1


def test_an_order_that_cannot_be_reviewed_is_a_fault(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Reviews:
        def count_unsettled(self, _: Any) -> int:
            return 0

        def due(self, _: Any) -> list[Any]:
            class Order:
                correlation_id = "c"

                class key:  # noqa: N801 - an attribute
                    order_id = "o"

            return [Order]

    monkeypatch.setattr(reconcile_orders, "_reviews", Reviews())
    monkeypatch.setattr(reconcile_orders, "reconcile_order", getattr(Broken(BUG), "any"))  # noqa: B009
    monkeypatch.setattr(reconcile_orders, "defer_review", lambda *_: None)

    reconcile_orders.handler({}, Context())  # type: ignore[arg-type]

    assert len(faults_in(capsys.readouterr().out)) == 1


def test_the_metric_is_of_the_function_and_of_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    count_fault()

    # CloudWatch takes the metric's definition and the values beside it, and nothing else would match an alarm.
    (fault,) = faults_in(capsys.readouterr().out)
    (definition,) = fault["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == "Storefront"
    assert definition["Dimensions"] == [["FunctionName"], ["FunctionName", "ExecutedVersion"]]
    assert definition["Metrics"] == [{"Name": "Faults", "Unit": "Count"}]
    assert {name: fault[name] for name in ("FunctionName", "ExecutedVersion", "Faults")} == {
        "FunctionName": "testing",
        "ExecutedVersion": "7",
        "Faults": 1,
    }


def test_the_metric_has_its_time_in_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    before = time.time()
    count_fault()
    after = time.time()

    # In seconds it would be a moment of 1970. CloudWatch drops it, and no alarm takes a release back.
    (fault,) = faults_in(capsys.readouterr().out)
    assert int(before * 1000) <= fault["_aws"]["Timestamp"] <= after * 1000


@pytest.mark.parametrize(
    ("code", "overload"),
    [
        ("InternalServerError", True),
        ("ProvisionedThroughputExceededException", True),
        ("RequestLimitExceeded", True),
        ("RequestThrottled", True),
        ("ServiceUnavailable", True),
        ("ThrottlingException", True),
        ("TransactionConflictException", True),
        ("TransactionInProgressException", True),
        ("AccessDeniedException", False),
        ("ConditionalCheckFailedException", False),
        ("ResourceNotFoundException", False),
        ("ValidationException", False),
    ],
)
def test_services_say_in_many_words_that_they_are_busy(
    capsys: pytest.CaptureFixture[str], code: str, overload: bool
) -> None:
    error = aws_error(code)

    count_fault_in(error)

    assert is_overload(error) is overload
    assert len(faults_in(capsys.readouterr().out)) == (0 if overload else 1)
