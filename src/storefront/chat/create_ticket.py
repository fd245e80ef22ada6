"""POST /chat/tickets."""

import os
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.chat.ticket import Ticket, new_ticket
from storefront.chat.ticket_store import TicketStore
from storefront.identity import customer_of
from storefront.shared import clock
from storefront.shared.api import Answer, Event, answer, rest_handler
from storefront.shared.aws import client

_tickets = TicketStore(client("dynamodb"), os.environ["CHAT_TABLE"])


@rest_handler
def handler(event: Event, context: LambdaContext) -> Answer:
    """Give the caller a ticket that opens one connection to the chat."""
    customer = customer_of(event, os.environ["USER_POOL_CLIENT_ID"])
    text = new_ticket()
    ticket = Ticket.of(customer.id, customer.name, customer.groups, clock.now())
    _tickets.keep(text, ticket)
    body = {
        "ticket": text,
        "expiresAt": clock.to_text(ticket.expires_at),
        "url": f"{os.environ['CHAT_URL']}?ticket={text}",
    }
    return answer(HTTPStatus.CREATED, body)
