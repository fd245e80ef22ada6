"""Plays the payment provider that has decided about a charge: writes it into its books and sends the signed event."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import requests

from tools.console import Problem
from tools.demo.api_client import ApiClient
from tools.stack.stack import Stack

PATH = "/webhooks/payments"


def decide(stack: Stack, order_id: str, status: str) -> dict[str, Any]:
    """Write a decision about an order's charge into the provider's books, and return a new event that says so."""
    dynamodb = stack.client("dynamodb")
    try:
        charge = dynamodb.update_item(
            TableName=stack.outputs["PaymentsSandboxTableName"],
            Key={"idempotencyKey": {"S": order_id}},
            UpdateExpression="SET #status = :status",
            ConditionExpression="#status IN (:pending, :status)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": status}, ":pending": {"S": "pending"}},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except dynamodb.exceptions.ConditionalCheckFailedException:
        raise Problem(f"the provider has no pending charge for {order_id}: order a PAY-WEBHOOK first") from None
    return {
        "eventId": f"evt-{uuid.uuid4().hex}",
        "chargeId": charge["chargeId"]["S"],
        "reference": order_id,
        "metadata": json.loads(charge["metadata"]["S"]),
        "status": status,
    }


def signed(
    body: bytes, secrets: Sequence[str], *, timestamp: int | None = None, method: str = "POST", path: str = PATH
) -> dict[str, str]:
    """Return the headers that a body is sent with: signed now, once with each secret."""
    # As the description in webhook_signature.py says, and not with its code: each use compares the two.
    signed_at = int(time.time()) if timestamp is None else timestamp
    content = hashlib.sha256(body).hexdigest()
    text = f"v1\n{method}\n{path}\n{signed_at}\n{content}".encode()
    signatures = [hmac.new(secret.encode(), text, hashlib.sha256).hexdigest() for secret in secrets]
    return {
        "X-Webhook-Timestamp": str(signed_at),
        "X-Webhook-Content-SHA256": content,
        "X-Webhook-Signature": ",".join(f"v1={signature}" for signature in signatures),
    }


def send(stack: Stack, event: dict[str, Any]) -> requests.Response:
    """Sign an event with the stack's secret and send it to the shop."""
    body = json.dumps(event).encode()
    headers = {"Content-Type": "application/json", **signed(body, [stack.webhook["secret"]])}
    return ApiClient(stack.url).request("POST", PATH, data=body, headers=headers)
