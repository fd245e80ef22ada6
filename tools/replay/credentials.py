"""The values of the placeholders in the events: what their callers show."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from storefront.chat.ticket import Ticket, new_ticket
from storefront.chat.ticket_store import TicketStore
from storefront.partners.store import PartnerStore
from storefront.partners.token import Partner, issue
from storefront.payments.webhook_signature import sign
from storefront.shared import clock
from tools.ops.accounts import Accounts
from tools.replay.cases import EVENTS
from tools.stack.functions import Function
from tools.stack.seed import webhook_of
from tools.stack.stack import Stack

PARTNER, REVOKED_PARTNER = "acme00000001", "gone00000001"
CUSTOMER = "5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e11"
_SIGNED = EVENTS / "authorize-webhook" / "good.json"


@dataclass
class Credentials:
    """Issues credentials that a shop accepts, whether AWS is an emulator or moto, and withdraws them."""

    dynamodb: Any
    partners_table: str
    chat_table: str
    user_pool_client: str
    payments_secret: str
    webhook_secret: str
    support_token: str
    customer_token: str
    _ticket: str = field(default_factory=new_ticket)
    _tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, stack: Stack, functions: Mapping[str, Function]) -> Self:
        """Return those that a running local stack accepts, whose functions know the tables and secrets."""
        payments = functions["payments-sandbox"].environment["PAYMENTS_SECRET_ARN"]
        return cls(
            stack.client("dynamodb"),
            partners_table=stack.outputs["PartnersTableName"],
            chat_table=functions["open-connection"].environment["CHAT_TABLE"],
            user_pool_client=stack.outputs["UserPoolClientId"],
            payments_secret=stack.client("secretsmanager").get_secret_value(SecretId=payments)["SecretString"],
            webhook_secret=webhook_of(stack)["secret"],
            support_token=_access_token(stack, "support"),
            customer_token=_access_token(stack, "customer"),
        )

    def issue(self) -> None:
        """Add the callers of the events; those that somebody has left behind go."""
        self._remove_partners()
        partners = PartnerStore(self.dynamodb, self.partners_table)
        for name, partner, api_key, revoked in (
            ("PartnerToken", PARTNER, "api-key-of-acme", False),
            ("RevokedPartnerToken", REVOKED_PARTNER, "api-key-of-gone", True),
        ):
            token, stored = issue(partner)
            partners.add(Partner(partner, "gold", api_key, (stored,), revoked=revoked))
            self._tokens[name] = token.to_text()

    def values(self) -> dict[str, str]:
        """Return the values, good for one case: a ticket counts once, a signature for five minutes."""
        ticket = Ticket.of(CUSTOMER, "Ada Customer", frozenset({"customers"}), clock.now())
        self._tickets.keep(self._ticket, ticket)
        now = int(time.time())
        content = json.loads(_SIGNED.read_text())["headers"]["X-Webhook-Content-SHA256"]
        signature = sign("POST", "/webhooks/payments", now, content, self.webhook_secret)
        return {
            "ChatTicket": self._ticket,
            "CustomerToken": self.customer_token,
            "PaymentsSecret": self.payments_secret,
            "SupportToken": self.support_token,
            "UserPoolClientId": self.user_pool_client,
            "WebhookTimestamp": str(now),
            "WebhookSignature": signature.removeprefix("v1="),
            **self._tokens,
        }

    def withdraw(self) -> None:
        """Remove what `issue` has added."""
        self._remove_partners()
        self._tickets.consume(self._ticket, clock.now())

    @property
    def _tickets(self) -> TicketStore:
        return TicketStore(self.dynamodb, self.chat_table)

    def _remove_partners(self) -> None:
        for partner in (PARTNER, REVOKED_PARTNER):
            self.dynamodb.delete_item(TableName=self.partners_table, Key={"partnerId": {"S": partner}})


def _access_token(stack: Stack, name: str) -> str:
    user = stack.users[name]
    return str(Accounts.of(stack).sign_in(user.email, user.password)["AccessToken"])
