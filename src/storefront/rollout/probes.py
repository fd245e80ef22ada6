"""Probes: for each handler an event of its kind, and what must come of it.

They run in prod, on real tables and queues, so none of them changes anything: requests come without an identity, bodies
are invalid, batches are empty, credentials are malformed. (A refused frame of the chat is counted, in a row that soon
expires.) A probe proves that the version starts - its code imports, its environment is complete, its clients are
made - and does what its kind does.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from storefront.rollout.function_version import Outcome

_REQUEST_ID = "00000000-0000-0000-0000-000000000000"
_SHOWN = 300

Check = Callable[[Outcome], bool]


@dataclass(frozen=True, slots=True)
class Probe:
    """An event, and what must come of it.

    Parameters
    ----------
    event
        The event that the function is called with.
    expected
        The outcome that it must have, in words.
    holds
        Whether it did.
    """

    event: Mapping[str, Any]
    expected: str
    holds: Check

    def fault_in(self, outcome: Outcome) -> str | None:
        """Return what is wrong with an outcome, `None` if nothing is."""
        try:
            if self.holds(outcome):
                return None
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # An answer of another shape is a wrong answer.
        return f"expected {self.expected}, got {json.dumps(outcome.answer)[:_SHOWN]}"


def _request(**parts: Any) -> dict[str, Any]:
    """Return a REST proxy event, without an identity."""
    return {
        "headers": {},
        "queryStringParameters": None,
        "pathParameters": None,
        "requestContext": {"requestId": _REQUEST_ID},
        "body": None,
        "isBase64Encoded": False,
        **parts,
    }


def _answers(status: HTTPStatus, event: dict[str, Any], *members: str) -> Probe:
    """Return a probe for an answer with this status, whose JSON body has these members."""
    wanted = members or ("title", "detail", "instance")

    def holds(outcome: Outcome) -> bool:
        body = json.loads(outcome.answer["body"])
        return not outcome.failed and outcome.answer["statusCode"] == status and all(name in body for name in wanted)

    return Probe(event, f"{int(status)} with {', '.join(wanted)}", holds)


def _consumes_nothing() -> Probe:
    """Return a probe for a consumer of a queue or a stream: a batch with nothing in it, of which nothing fails."""

    def holds(outcome: Outcome) -> bool:
        return not outcome.failed and bool(outcome.answer == {"batchItemFailures": []})

    return Probe({"Records": []}, "no failed records", holds)


def _denies(event: dict[str, Any]) -> Probe:
    """Return a probe for an authorizer that refuses with a policy."""

    def holds(outcome: Outcome) -> bool:
        (statement,) = outcome.answer["policyDocument"]["Statement"]
        return not outcome.failed and bool(statement["Effect"] == "Deny")

    return Probe(event, "a policy that denies", holds)


def _raises_unauthorized(event: dict[str, Any]) -> Probe:
    """Return a probe for an authorizer that refuses with the exception of which the gateway makes a 401."""

    def holds(outcome: Outcome) -> bool:
        return outcome.failed and bool(outcome.answer["errorMessage"] == "Unauthorized")

    return Probe(event, "the error Unauthorized", holds)


def _finds_no_order() -> Probe:
    """Return a probe for the tasks of a refund: an order that nobody has."""
    request = {"orderId": f"ord-{'a' * 32}", "customerId": "probe", "reason": "probe", "by": "probe"}
    event = {"task": "fail", "refundId": "probe", "request": {**request, "correlationId": _REQUEST_ID}}

    def holds(outcome: Outcome) -> bool:
        return not outcome.failed and bool(outcome.answer == {"outcome": "UNKNOWN_ORDER"})

    return Probe(event, "an order that is not found", holds)


def _reviews_nothing() -> Probe:
    """Return a probe for the reconciler: before there was a shop, no order was due."""

    def holds(outcome: Outcome) -> bool:
        return not outcome.failed and bool(outcome.answer == {"reviewed": 0, "failed": 0})

    return Probe({"time": "1970-01-01T00:00:00Z"}, "no order reviewed", holds)


def _acknowledges(route: str, **parts: Any) -> Probe:
    """Return a probe for a route of the chat: a frame that is refused, of a connection that does not exist.

    The refusal cannot be delivered. This is not an error: connections go away at any time. A frame that names
    `$connect` connects nobody.
    """
    context = {
        "routeKey": route,
        "requestId": _REQUEST_ID,
        # As long as a real one; nobody is ever given it.
        "connectionId": "AAAAAAAAAAAAAAA=",
        "eventType": parts.pop("event_type", "MESSAGE"),
        "connectedAt": 0,
        "authorizer": {"customerId": "probe", "name": "Probe", "group": "customer"},
    }

    def holds(outcome: Outcome) -> bool:
        return not outcome.failed and bool(outcome.answer["statusCode"] == HTTPStatus.OK)

    return Probe({"requestContext": context, "isBase64Encoded": False, **parts}, "status 200", holds)


_METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/probe"
_REFUSED_FRAME = json.dumps({"action": "probe"})

PROBES: Mapping[str, Probe] = {
    # Catalogue: pages are read as they are asked for; a product that cannot be is looked for no further.
    "storefront.catalog.list_products.handler": _answers(
        HTTPStatus.OK, _request(queryStringParameters={"limit": "1"}), "items"
    ),
    "storefront.catalog.get_product.handler": _answers(
        HTTPStatus.NOT_FOUND, _request(pathParameters={"sku": "PROBE-404"})
    ),
    "storefront.catalog.put_product.handler": _answers(
        HTTPStatus.BAD_REQUEST,
        _request(pathParameters={"sku": "PROBE-404"}, headers={"If-None-Match": "*"}, body="{}"),
    ),
    # Orders
    "storefront.orders.place_order.handler": _answers(HTTPStatus.UNAUTHORIZED, _request(body="{}")),
    "storefront.orders.list_orders.handler": _answers(HTTPStatus.UNAUTHORIZED, _request()),
    "storefront.orders.get_order.handler": _answers(
        HTTPStatus.UNAUTHORIZED, _request(pathParameters={"orderId": "probe"})
    ),
    "storefront.orders.process_orders.handler": _consumes_nothing(),
    "storefront.orders.reconcile_orders.handler": _reviews_nothing(),
    "storefront.orders.publish_order_events.handler": _consumes_nothing(),
    "storefront.orders.refund_order.handler": _finds_no_order(),
    # Accounts
    "storefront.accounts.authorize_support.handler": _denies(
        {"type": "TOKEN", "authorizationToken": "malformed", "methodArn": f"{_METHOD_ARN}/POST/orders/1/refund"}
    ),
    # Partners
    "storefront.partners.authorize_partner.handler": _raises_unauthorized(
        {"type": "TOKEN", "authorizationToken": "Bearer malformed", "methodArn": f"{_METHOD_ARN}/GET/partner/orders/1"}
    ),
    "storefront.partners.process_partner_orders.handler": _consumes_nothing(),
    "storefront.partners.get_partner_order.handler": _answers(
        HTTPStatus.UNAUTHORIZED, _request(pathParameters={"reference": "probe"})
    ),
    # Payments
    "storefront.payments.authorize_webhook.handler": _denies(
        {
            "type": "REQUEST",
            "methodArn": f"{_METHOD_ARN}/POST/webhooks/payments",
            "httpMethod": "POST",
            "resource": "/webhooks/payments",
            "headers": {},
            "multiValueHeaders": {},
            "requestContext": {"requestId": _REQUEST_ID},
        }
    ),
    "storefront.payments.receive_payment_event.handler": _answers(HTTPStatus.UNAUTHORIZED, _request(body="{}")),
    # Chat
    "storefront.chat.create_ticket.handler": _answers(HTTPStatus.UNAUTHORIZED, _request()),
    "storefront.chat.authorize_connection.handler": _denies(
        {
            "type": "REQUEST",
            "methodArn": f"{_METHOD_ARN}/$connect",
            "headers": {},
            "multiValueHeaders": {},
            "queryStringParameters": {"ticket": "malformed"},
            "requestContext": {"requestId": _REQUEST_ID, "routeKey": "$connect", "connectionId": "AAAAAAAAAAAAAAA="},
        }
    ),
    "storefront.chat.open_connection.handler": _acknowledges("$connect", body=_REFUSED_FRAME),
    "storefront.chat.close_connection.handler": _acknowledges("$disconnect", event_type="DISCONNECT"),
    "storefront.chat.join_room.handler": _acknowledges("joinRoom", body=_REFUSED_FRAME),
    "storefront.chat.leave_room.handler": _acknowledges("leaveRoom", body=_REFUSED_FRAME),
    "storefront.chat.send_message.handler": _acknowledges("sendMessage", body=_REFUSED_FRAME),
    "storefront.chat.show_history.handler": _acknowledges("history", body=_REFUSED_FRAME),
    "storefront.chat.answer_ping.handler": _acknowledges("ping", body=_REFUSED_FRAME),
    "storefront.chat.refuse_frame.handler": _acknowledges("$default", body=_REFUSED_FRAME),
    "storefront.chat.deliver_order_status.handler": _consumes_nothing(),
}
