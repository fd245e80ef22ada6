"""The REQUEST authorizer of the chat's `$connect`.

It answers with a policy for this one handshake, allow or deny, and never raises: an error would be a 500, and one in
the function's metrics that anybody could cause ("Control access to WebSocket APIs with AWS Lambda REQUEST authorizers",
Amazon API Gateway Developer Guide). A handshake without a ticket does not come this far: the gateway answers 401.
Nothing is cached: only HTTP APIs do that ("AWS::ApiGatewayV2::Authorizer", CloudFormation Template Reference Guide).

The origin comes first: a page that may not open the chat uses up nobody's ticket. It proves nothing, since programs may
send any; it keeps other people's pages from using a ticket in the browser of whom it was given to.
"""

import os
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.chat.ticket import Ticket, is_ticket
from storefront.chat.ticket_store import TicketStore
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.faults import count_fault_in
from storefront.shared.observability import logger


def _origins_in(text: str) -> frozenset[str]:
    """Return the origins of a list; an empty one holds none, and not the empty one."""
    return frozenset(text.split(",")) - {""}


_tickets = TicketStore(client("dynamodb"), os.environ["CHAT_TABLE"])
_allowed_origins = _origins_in(os.environ["CHAT_ALLOWED_ORIGINS"])


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Let in who comes with a good ticket, from a page that may open the chat or from none."""
    try:
        return _answer(event)
    except Exception as error:
        # Not known to be good is not good.
        logger.exception("ticket could not be checked")
        count_fault_in(error)
        return _policy("Deny", event.get("methodArn") or "*")


def _answer(event: dict[str, Any]) -> dict[str, Any]:
    if not _is_from_an_allowed_page(event):
        logger.info("connection refused", extra={"reason": "origin"})
        return _policy("Deny", event["methodArn"])
    ticket = _consumed(event["queryStringParameters"].get("ticket"))
    if ticket is None:
        logger.info("connection refused", extra={"reason": "ticket"})
        return _policy("Deny", event["methodArn"])
    return _policy("Allow", event["methodArn"], ticket)


def _is_from_an_allowed_page(event: dict[str, Any]) -> bool:
    """Tell whether every `Origin` is on the list; command-line clients send none."""
    origins = [
        origin for name, values in event["multiValueHeaders"].items() if name.lower() == "origin" for origin in values
    ]
    return all(origin in _allowed_origins for origin in origins)


def _consumed(text: object) -> Ticket | None:
    # A text that cannot be a ticket costs no write.
    return _tickets.consume(str(text), clock.now()) if is_ticket(text) else None


def _policy(effect: str, method_arn: str, ticket: Ticket | None = None) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": method_arn}
    return {
        "principalId": ticket.customer_id if ticket else "nobody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": _context_of(ticket) if ticket else {},
    }


def _context_of(ticket: Ticket) -> dict[str, str]:
    """Return what the gateway hands to every function of this connection.

    That it keeps letters outside ASCII is promised nowhere: a name goes percent-encoded.
    """
    return {"customerId": ticket.customer_id, "name": quote(ticket.name, safe=" "), "group": ticket.group}
