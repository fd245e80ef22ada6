"""For each function an event that it answers well: the sample event, as a new request where a repeated one does less.

The functions that must have done something before do it in processes of their own, and are not measured.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

from storefront.payments.webhook_signature import content_sha256
from tools.bench.workers import Workers
from tools.console import Problem
from tools.ops import webhook
from tools.replay.cases import Json, filled_in, load
from tools.replay.world import World
from tools.stack.stack import Stack

# Where no case is called good.
_CASES = {
    "deliver-order-status": "accepted",
    "payments-sandbox": "approved",
    "publish-order-events": "confirmed",
    "reconcile-orders": "scheduled",
    "refuse-frame": "unknown-action",
}
# They report to CodeDeploy, which the local stack does not have.
HOOKS = ("pre-traffic-hook", "post-traffic-hook")
_OF_A_CONNECTION = (
    *("answer-ping", "close-connection", "deliver-order-status", "join-room", "leave-room", "open-connection"),
    *("refuse-frame", "send-message", "show-history"),
)
# The one in the sample events.
_CONNECTION = "Kx7Q2eLxIAMCJVA="
_ERROR_STATUS = 400


class GoodEvents:
    """Makes events for the functions of a stack, whose world has what the sample events are about."""

    def __init__(self, stack: Stack, world: World, workers: Workers) -> None:
        self._stack = stack
        self._world = world
        self._workers = workers
        self._cases = load()
        self._connection = ""
        # Where a second event of the same content would find less to do than the first.
        self._new: dict[str, Callable[[], Json]] = {
            "deliver-order-status": self._status_of_a_new_order,
            "payments-sandbox": lambda: self._sample_with_new("sample-approved", "payments-sandbox"),
            "place-order": self._new_order,
            "process-orders": self._message_about_a_new_order,
            "process-partner-orders": lambda: self._sample_with_new("PO-2026-0001", "process-partner-orders"),
            "put-product": self._next_edit,
            "receive-payment-event": self._decided_payment,
            "send-message": lambda: self._sample_with_new("m-1", "send-message"),
        }

    def event_for(self, name: str) -> Json:
        """Return an event that a function answers well, and for which it has all of its work to do."""
        if name in _OF_A_CONNECTION:
            self._connect()
        return self._new[name]() if name in self._new else self._sample(name)

    def disconnect(self) -> None:
        """Close the connection that is open, if there is one: in the next benchmark, nothing is sent to it."""
        if self._connection:
            self._do("close-connection", self._event("close-connection"))
            self._connection = ""

    def _sample(self, name: str, case: str | None = None) -> Json:
        """Return a sample event; what must have happened before it happens now."""
        case = case or _CASES.get(name, "good")
        for earlier in self._cases[f"{name}/{case}"].given:
            self._do(earlier.function, self._sample(*earlier.name.split("/")))
        return self._event(name, case)

    def _sample_with_new(self, old: str, name: str) -> Json:
        return _replaced(self._sample(name), old, f"B-{uuid.uuid4().hex[:12]}")

    def _event(self, name: str, case: str = "good") -> Json:
        event = filled_in(self._cases[f"{name}/{case}"].event, self._world.values())
        return _replaced(event, _CONNECTION, self._connection or _CONNECTION)

    def _do(self, name: str, event: Json) -> Json:
        answer = self._workers[name](event).answer
        check_went_well(name, answer)
        return answer

    def _connect(self) -> None:
        """Open a connection in place of the one before: each may send only so many frames in a minute."""
        self.disconnect()
        self._connection = f"{uuid.uuid4().hex[:15]}="
        self._do("open-connection", self._event("open-connection"))

    def _new_order(self, case: str = "good") -> Json:
        """Return a request for an order; of a customer whose list of orders nobody else's sample shows."""
        event = self._sample("place-order", case)
        event["headers"] |= {"Idempotency-Key": str(uuid.uuid4())}
        event["requestContext"]["authorizer"]["claims"] |= {"sub": "benchmark"}
        return event

    def _message_about_a_new_order(self, case: str = "good") -> Json:
        order = json.loads(self._do("place-order", self._new_order(case))["body"])["orderId"]
        body = {"schemaVersion": 1, "customerId": "benchmark", "orderId": order}
        return _with_body(self._event("process-orders"), body)

    def _decided_payment(self) -> Json:
        message = self._message_about_a_new_order("awaits-payment")
        self._do("process-orders", message)
        order = json.loads(message["Records"][0]["body"])["orderId"]
        body = json.dumps(webhook.decide(self._stack, order, "approved"))
        event = self._event("receive-payment-event")
        event["requestContext"]["authorizer"] |= {"contentSha256": content_sha256(body.encode())}
        return event | {"body": body}

    def _status_of_a_new_order(self) -> Json:
        event = self._sample("deliver-order-status")
        body = json.loads(event["Records"][0]["body"])
        body["detail"]["orderId"] = f"ord-{uuid.uuid4().hex}"
        return _with_body(event, body)

    def _next_edit(self) -> Json:
        """Return an edit of the product as it is now; one of another product, the reads have theirs."""
        event = self._sample("put-product")
        read = _replaced(self._sample("get-product"), "MUG-001", event["pathParameters"]["sku"])
        event["headers"] |= {"If-Match": self._do("get-product", read)["headers"]["ETag"]}
        event["requestContext"] |= {"requestId": str(uuid.uuid4())}
        return event


def check_went_well(name: str, answer: Json) -> None:
    """Look that a function has done what it is measured for; one that has refused is a ``Problem``."""
    match answer:
        case {"statusCode": int(status)} if status >= _ERROR_STATUS:
            pass
        case {"batchItemFailures": [_, *_]} | {"policyDocument": {"Statement": [{"Effect": "Deny"}]}}:
            pass
        case {"failed": int(failed)} if failed:
            pass
        case _:
            return
    raise Problem(f"{name} refuses its event, so it cannot be measured: {json.dumps(answer)[:300]}")


def _with_body(event: Json, body: Json) -> Json:
    return {"Records": [event["Records"][0] | {"body": json.dumps(body)}]}


def _replaced(event: Json, old: str, new: str) -> Json:
    return json.loads(json.dumps(event).replace(old, new))
