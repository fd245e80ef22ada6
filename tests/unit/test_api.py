"""All REST handlers take requests apart, answer, and refuse in one shape."""

import base64
import io
import json
from http import HTTPStatus
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from storefront.shared.api import answer, body_of, header_of, query_of, rest_handler
from storefront.shared.configuration import secret
from storefront.shared.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    NotYet,
    Overloaded,
    PreconditionFailed,
    PreconditionRequired,
    Refusal,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unprocessable,
)
from storefront.shared.observability import logger
from storefront.shared.problem import STATUS_OF_REFUSAL
from tests.support.contract import matches
from tests.support.faults import aws_error
from tests.support.prose import is_prose
from tools.testing.aws import Aws
from tools.testing.events import Context, rest_event

COMMON = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Location, Retry-After",
    "Cache-Control": "no-store",
}


def raising(error: Exception) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the event, and the answer of a handler that raises an error at it."""

    @rest_handler
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise error

    event = rest_event()
    return event, handler(event, Context())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("refusal", "status", "headers"),
    [
        (InvalidRequest("Send less."), 400, {}),
        (Unauthenticated("Sign in."), 401, {"WWW-Authenticate": "Bearer"}),
        (Forbidden("Ask somebody else."), 403, {}),
        (NotFound("Look elsewhere."), 404, {}),
        (NotYet("Come back in a moment."), 409, {"Retry-After": "1"}),
        (PreconditionFailed("Look again."), 412, {}),
        (TooLarge("Say it shorter."), 413, {}),
        (Unprocessable("Order something else."), 422, {}),
        (PreconditionRequired("Say what you have seen."), 428, {}),
        (TooManyRequests("Slow down."), 429, {}),
    ],
)
def test_a_refusal_becomes_a_problem_with_its_detail(refusal: Refusal, status: int, headers: dict[str, str]) -> None:
    event, answered = raising(refusal)

    assert answered["statusCode"] == status
    assert answered["headers"] == {**COMMON, **headers, "Content-Type": "application/problem+json"}
    problem = json.loads(answered["body"])
    assert matches(problem, "Problem")
    assert problem == {
        "type": "about:blank",
        "title": {413: "Content Too Large", 422: "Unprocessable Content"}.get(status, HTTPStatus(status).phrase),
        "status": status,
        "detail": refusal.detail,
        "instance": f"urn:uuid:{event['requestContext']['requestId']}",
    }


def test_each_kind_of_refusal_has_a_status() -> None:
    assert set(Refusal.__subclasses__()) == STATUS_OF_REFUSAL.keys()


@pytest.mark.parametrize(
    "error",
    [
        KeyError("canary"),
        RuntimeError("canary"),
        aws_error("ValidationException", "canary"),
        aws_error("AccessDeniedException", "canary"),
        ParamValidationError(report="canary"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_of_ours_is_logged_and_says_nothing_of_the_inside(error: Exception, log: io.StringIO) -> None:
    event, answered = raising(error)

    assert answered["statusCode"] == 500
    assert answered["headers"] == {**COMMON, "Content-Type": "application/problem+json"}
    assert matches(json.loads(answered["body"]), "Problem")
    assert is_prose(json.loads(answered["body"])["detail"])
    assert "canary" not in json.dumps(answered)
    assert type(error).__name__ not in answered["body"]
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert line["level"] == "ERROR"
    assert line["correlation_id"] == event["requestContext"]["requestId"]
    assert "canary" in line["exception"]
    assert "Traceback" in line["exception"]


@pytest.mark.parametrize(
    "error",
    [
        *(
            aws_error(code)
            for code in (
                "ProvisionedThroughputExceededException",
                "RequestLimitExceeded",
                "RequestThrottled",
                "ServiceUnavailable",
                "ThrottlingException",
                "TransactionConflictException",
            )
        ),
        EndpointConnectionError(endpoint_url="https://canary.example"),
        ReadTimeoutError(endpoint_url="https://canary.example"),
        Overloaded("canary"),
    ],
    ids=str,
)
def test_an_overloaded_service_means_try_again(error: Exception, log: io.StringIO) -> None:
    _, answered = raising(error)

    assert answered["statusCode"] == 503
    assert answered["headers"] == {**COMMON, "Content-Type": "application/problem+json", "Retry-After": "1"}
    assert matches(json.loads(answered["body"]), "Problem")
    assert is_prose(json.loads(answered["body"])["detail"])
    assert "canary" not in json.dumps(answered)
    assert '"level":"ERROR"' in log.getvalue()


def test_what_the_handler_answers_is_passed_on_and_its_logs_carry_the_request(log: io.StringIO) -> None:
    @rest_handler
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        logger.info("working")
        return answer(HTTPStatus.OK, {"name": "Tasse für Tee", "stock": [1, 2]}, {"Location": "here"})

    event = rest_event()
    answered = handler(event, Context())  # type: ignore[arg-type]

    assert answered["statusCode"] == 200
    assert answered["body"] == '{"name":"Tasse f\\u00fcr Tee","stock":[1,2]}'
    assert answered["headers"] == {**COMMON, "Content-Type": "application/json", "Location": "here"}
    assert json.loads(log.getvalue())["correlation_id"] == event["requestContext"]["requestId"]


def test_a_body_of_more_than_an_order_can_need_is_refused_unread() -> None:
    assert len(body_of({"body": "[" * (64 * 1024)})) == 64 * 1024
    with pytest.raises(TooLarge):
        body_of({"body": "[" * (64 * 1024 + 1)})


def test_a_throttled_parameter_is_told_from_a_mistake(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "not there")

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        secret("A_SECRET")()


@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_is_the_bytes_that_were_sent(encoded: bool) -> None:
    sent = '{"name": "Teekännchen"}'
    body = base64.b64encode(sent.encode()).decode() if encoded else sent

    assert body_of({"body": body, "isBase64Encoded": encoded}) == sent.encode()


@pytest.mark.parametrize(
    "event",
    [
        {"body": None},
        {"body": ""},
        {"body": " \r\n"},
        {"body": "", "isBase64Encoded": True},
        {"body": base64.b64encode(b"\n").decode(), "isBase64Encoded": True},
        {"body": "no base64!", "isBase64Encoded": True},
        {"body": "é", "isBase64Encoded": True},
        {"body": "\ud800"},
    ],
)
def test_a_body_that_is_none_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="body"):
        body_of(event)


@pytest.mark.parametrize("sent", ["Idempotency-Key", "idempotency-key", "IDEMPOTENCY-KEY"])
def test_a_header_is_found_whatever_its_case(sent: str) -> None:
    assert header_of({"headers": {"X-Other": "1", sent: "value"}}, "Idempotency-Key") == "value"


@pytest.mark.parametrize("headers", [{}, None, {"X-Idempotency-Key": "value"}])
def test_a_missing_header_is_none(headers: dict[str, str] | None) -> None:
    assert header_of({"headers": headers}, "Idempotency-Key") is None


@pytest.mark.parametrize(("parameters", "query"), [(None, {}), ({}, {}), ({"limit": "5"}, {"limit": "5"})])
def test_query_parameters_are_a_mapping_even_where_there_are_none(
    parameters: dict[str, str] | None, query: dict[str, str]
) -> None:
    assert query_of({"queryStringParameters": parameters}) == query
