"""The webhook authorizer: allows what the provider has signed, for this one route; denies all else, never raises."""

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from storefront.payments import authorize_webhook
from storefront.payments.webhook_secret import WebhookSecret
from storefront.payments.webhook_signature import content_sha256
from storefront.shared import configuration
from tests.support.faults import Failing, aws_error
from tests.support.ids import shown
from tools.ops import webhook
from tools.testing.aws import WEBHOOK_SECRET, Aws
from tools.testing.events import Context

BODY = b'{"eventId": "evt-1"}'
ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/POST/webhooks/payments"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


MINUTE = 60


@pytest.fixture
def clock(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The authorizer as it starts: nothing read yet."""
    clock = Clock()
    monkeypatch.setattr(configuration, "CACHE_SECONDS", MINUTE)
    monkeypatch.setattr(authorize_webhook, "_secret", WebhookSecret(aws.secretsmanager, "webhook-secret", clock))
    return clock


def event(*secrets: str, **changes: Any) -> dict[str, Any]:
    """Return a REQUEST authorizer's event, signed with these secrets."""
    headers = webhook.signed(BODY, secrets or [WEBHOOK_SECRET])
    return {
        "type": "REQUEST",
        "methodArn": ARN,
        "resource": webhook.PATH,
        "path": webhook.PATH,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {"stage": "dev"},
        **changes,
    }


def call(one: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = authorize_webhook.handler(one, Context())  # type: ignore[arg-type]
    return answer


def effect(answer: dict[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    return str(statement["Effect"])


def test_what_the_provider_has_signed_is_allowed_for_this_method_alone(clock: Clock) -> None:
    answer = call(event())

    assert answer == {
        "principalId": "payment-provider",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}],
        },
        "context": {"contentSha256": content_sha256(BODY)},
    }
    json.dumps(answer)


def test_what_somebody_else_has_signed_is_denied_and_nothing_is_passed_on(clock: Clock) -> None:
    answer = call(event("another"))

    assert effect(answer) == "Deny"
    assert answer["policyDocument"]["Statement"][0]["Resource"] == ARN
    assert answer["context"] == {}


def test_one_signature_of_two_is_enough(clock: Clock) -> None:
    assert effect(call(event("another", WEBHOOK_SECRET))) == "Allow"


@pytest.mark.parametrize("seconds", [-3600, -302, 302, 3600])
def test_a_signature_of_another_time_is_denied(clock: Clock, seconds: int) -> None:
    headers = webhook.signed(BODY, [WEBHOOK_SECRET], timestamp=int(time.time()) + seconds)

    assert effect(call(event(multiValueHeaders={name: [value] for name, value in headers.items()}))) == "Deny"


@pytest.mark.parametrize(
    "changes",
    [
        {"httpMethod": "PUT"},
        {"resource": "/webhooks/others"},
        {"resource": "/{proxy+}"},
        {"multiValueHeaders": None},
        {"multiValueHeaders": {}},
        {"multiValueHeaders": []},
        {"multiValueHeaders": {"X-Webhook-Timestamp": None}},
        {"multiValueHeaders": {"X-Webhook-Timestamp": "1795176000"}},
    ],
    ids=shown,
)
def test_another_request_is_denied(clock: Clock, changes: dict[str, Any]) -> None:
    assert effect(call(event(**changes))) == "Deny"


@pytest.mark.parametrize("missing", ["httpMethod", "resource", "multiValueHeaders", "methodArn"])
def test_an_event_that_is_not_one_is_denied(clock: Clock, missing: str) -> None:
    one = event()
    del one[missing]

    answer = call(one)

    assert effect(answer) == "Deny"
    assert isinstance(answer["policyDocument"]["Statement"][0]["Resource"], str)


def test_the_headers_that_the_gateway_has_merged_are_not_what_is_checked(clock: Clock) -> None:
    # given a header that came twice, of which `headers` keeps the last, the genuine one
    one = event()
    one["multiValueHeaders"]["X-Webhook-Signature"].insert(0, "v1=" + "0" * 64)

    assert effect(call(one)) == "Deny"


@pytest.mark.parametrize(
    "failure",
    [
        aws_error("AccessDeniedException"),
        aws_error("ResourceNotFoundException"),
        aws_error("ThrottlingException"),
        aws_error("DecryptionFailure"),
        ConnectTimeoutError(endpoint_url="https://secretsmanager"),
        KeyError("SecretString"),
    ],
    ids=shown,
)
def test_a_secret_that_cannot_be_read_is_a_refusal(
    aws: Aws, clock: Clock, monkeypatch: pytest.MonkeyPatch, failure: Exception, log: io.StringIO
) -> None:
    failing = Failing(aws.secretsmanager, "get_secret_value", failure, times=1)
    monkeypatch.setattr(authorize_webhook, "_secret", WebhookSecret(failing, "webhook-secret", clock))

    assert effect(call(event())) == "Deny"
    assert "could not be checked" in log.getvalue()
    # And the next request, for which it can be read, is allowed.
    assert effect(call(event())) == "Allow"


def test_a_failure_of_the_version_before_is_a_refusal_and_not_no_version(aws: Aws, clock: Clock) -> None:
    class Second(Failing):
        def __getattr__(self, name: str) -> Any:
            real = getattr(aws.secretsmanager, name)
            if name != "get_secret_value":
                return real
            return lambda **call: self._fail() if call["VersionStage"] == "AWSPREVIOUS" else real(**call)

    with pytest.raises(Exception, match="ThrottlingException"):
        WebhookSecret(Second(None, "", aws_error("ThrottlingException"), 1), "webhook-secret", clock).versions()


def test_both_versions_of_a_rotated_secret_count_and_the_third_does_not(aws: Aws, clock: Clock) -> None:
    for secret in ("second", "third"):
        aws.secretsmanager.put_secret_value(SecretId="webhook-secret", SecretString=secret)

    assert effect(call(event("third"))) == "Allow"
    assert effect(call(event("second"))) == "Allow"
    assert effect(call(event(WEBHOOK_SECRET))) == "Deny"


def test_a_rotated_secret_counts_within_a_minute_and_until_then_both_signatures_do(aws: Aws, clock: Clock) -> None:
    call(event())
    aws.secretsmanager.put_secret_value(SecretId="webhook-secret", SecretString="second")

    assert effect(call(event("second"))) == "Deny"
    assert effect(call(event(WEBHOOK_SECRET, "second"))) == "Allow"

    clock.seconds += MINUTE + 1
    assert effect(call(event("second"))) == "Allow"


def test_a_secret_that_may_have_been_replaced_does_not_count_while_it_cannot_be_read(
    aws: Aws, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a setting that would count for some minutes more
    monkeypatch.setattr(configuration, "KEEP_SECONDS", 10 * MINUTE)
    failing = Failing(aws.secretsmanager, "get_secret_value", aws_error("ThrottlingException"), times=0)
    secret = WebhookSecret(failing, "webhook-secret", clock)
    assert secret.versions() == (WEBHOOK_SECRET,)

    # When it cannot be read again
    failing.left, clock.seconds = 1, clock.seconds + MINUTE + 1

    with pytest.raises(Exception, match="ThrottlingException"):
        secret.versions()


def test_forged_requests_do_not_make_the_secret_be_read_again(
    aws: Aws, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    class Counting:
        exceptions = aws.secretsmanager.exceptions

        def get_secret_value(self, **call: Any) -> Any:
            reads.append(call["VersionStage"])
            return aws.secretsmanager.get_secret_value(**call)

    monkeypatch.setattr(authorize_webhook, "_secret", WebhookSecret(Counting(), "webhook-secret", clock))  # type: ignore[arg-type]

    for _ in range(5):
        call(event("forged"))

    assert reads == ["AWSCURRENT", "AWSPREVIOUS"]


def test_no_secret_signature_or_header_is_logged(clock: Clock, log: io.StringIO) -> None:
    good, forged = event(), event("canary-of-a-forger")
    for one in (good, forged, event(multiValueHeaders={"X-Webhook-Signature": ["canary"]}), event(methodArn=None)):
        call(one)

    logged = log.getvalue()
    assert logged.count("webhook refused") == 2
    for secret in (
        WEBHOOK_SECRET,
        "canary",
        good["headers"]["X-Webhook-Signature"],
        forged["headers"]["X-Webhook-Signature"],
    ):
        assert secret not in logged
