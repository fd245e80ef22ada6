"""Events as AWS sends them, reduced to what the handlers read."""

import json
import uuid
from dataclasses import dataclass
from typing import Any


@dataclass
class Context:
    """A Lambda context."""

    function_name: str = "testing"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:testing"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    remaining_milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


def rest_event(
    *,
    customer: str | None = None,
    partner: str | None = None,
    body: Any = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    path: dict[str, str] | None = None,
    authorizer: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a REST proxy event of somebody, or with this context of an authorizer."""
    claims = {"sub": customer, "token_use": "id", "aud": "the-client"}  # nosec B105
    claims["email"] = "customer@example.com"
    return {
        "headers": headers or {},
        "queryStringParameters": query,
        "pathParameters": path,
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            **({"authorizer": {"claims": claims}} if customer else {}),
            **({"authorizer": authorizer} if authorizer else {}),
            **({"authorizer": {"partnerId": partner, "principalId": partner}} if partner else {}),
        },
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


def sqs_record(body: Any, *, receives: int = 1, correlation_id: str | None = None) -> dict[str, Any]:
    """Return one record of an SQS event."""
    attributes = {"correlationId": {"stringValue": correlation_id, "dataType": "String"}} if correlation_id else {}
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": str(uuid.uuid4()),
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
    }
