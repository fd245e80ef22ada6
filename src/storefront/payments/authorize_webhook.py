"""The REQUEST authorizer of `POST /webhooks/payments`.

It answers with a policy for the one method that was called, allow or deny, and never raises: on AWS an authorizer that
raises anything but `Unauthorized` makes a 500 ("Use API Gateway Lambda authorizers", Amazon API Gateway Developer
Guide). Raising `Unauthorized` would make a 401, and an error in the function's metrics: anybody who sends forged
webhooks could fire the alarm that rolls back a release. So a refusal is a deny, and the gateway makes a 403 of it. A
request without one of the headers does not come this far: the gateway answers 401.

Nothing is cached (`authorizerResultTtlInSeconds: 0` in `openapi.yaml`): each request has a signature of its own.
"""

import os
import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.payments.webhook_secret import WebhookSecret
from storefront.payments.webhook_signature import NotGenuine, SignedHeaders, check_signature
from storefront.shared.aws import client
from storefront.shared.faults import count_fault_in
from storefront.shared.observability import logger

_secret = WebhookSecret(client("secretsmanager"), os.environ["WEBHOOK_SECRET_ARN"])


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Allow a webhook that the payment provider has signed; refuse everything else."""
    try:
        return _allowed(event)
    except NotGenuine as refusal:
        logger.info("webhook refused", extra={"reason": str(refusal)})
    except Exception as error:
        # Whatever it is, it does not prove who is calling.
        logger.exception("webhook could not be checked")
        count_fault_in(error)
    return _policy("Deny", event.get("methodArn") or "*", {})


def _allowed(event: dict[str, Any]) -> dict[str, Any]:
    headers = SignedHeaders.read(event["multiValueHeaders"])
    check_signature(event["httpMethod"], event["resource"], headers, _secret.versions, time.time())
    # The body's hash goes on to the function that has the body: the one that was signed, not a header to look up.
    return _policy("Allow", event["methodArn"], {"contentSha256": headers.content_sha256})


def _policy(effect: str, method_arn: str, context: dict[str, str]) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": method_arn}
    return {
        "principalId": "payment-provider",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
