"""The world that the cases need on a running stack: who and what their events name, as if nothing had happened yet.

The customers, partners, connections, orders and charges of the events are nobody else's. So what there is of them goes
before each case, whoever has left it, and at the end. The catalogue is everybody's: for the time of the replay its
seeded products are as they were seeded, and then as they were before. Orders that go give back the stock they took.
"""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storefront.chat.ticket import Ticket, new_ticket
from storefront.chat.ticket_store import TicketStore
from storefront.partners.store import PartnerStore
from storefront.partners.token import Partner, issue
from storefront.payments.webhook_signature import sign
from storefront.shared import clock
from tools.console import Problem
from tools.replay.cases import Case, Json
from tools.stack.functions import Function
from tools.stack.seed import PRODUCTS, item_of, webhook_of
from tools.stack.stack import Stack

SIGNED = "authorize-webhook/good"
PARTNER, REVOKED_PARTNER = "acme00000001", "gone00000001"
CUSTOMER = "5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e11"

# What an order of the events needs at the most, many times over.
_ENOUGH = 50
_HOLDING_STOCK = {"RESERVED", "AWAITING_PAYMENT", "CONFIRMED"}
_UNSETTLED = {"PENDING", "RESERVED"}
_SETTLED_WITHIN_SECONDS = 30
_POLL_SECONDS = 0.2
_ORDER = r"ord-[a-z2-7]{32}"
_BATCH = 25  # "BatchWriteItem", Amazon DynamoDB API Reference

Item = dict[str, Any]


def partners() -> tuple[dict[str, str], list[Partner]]:
    """Return new tokens of the events' partners, by their placeholders, and the partners."""
    token, stored = issue(PARTNER)
    revoked_token, revoked_stored = issue(REVOKED_PARTNER)
    tokens = {"PartnerToken": token.to_text(), "RevokedPartnerToken": revoked_token.to_text()}
    acme = Partner(PARTNER, "gold", "api-key-of-acme", (stored,))
    gone = Partner(REVOKED_PARTNER, "gold", "api-key-of-gone", (revoked_stored,), revoked=True)
    return tokens, [acme, gone]


def signature(signed: Case, secret: str) -> dict[str, str]:
    """Return what a webhook's headers need to be signed now; it counts for five minutes."""
    now = int(time.time())
    content = signed.event["headers"]["X-Webhook-Content-SHA256"]
    made = sign("POST", "/webhooks/payments", now, content, secret)
    return {"WebhookTimestamp": str(now), "WebhookSignature": made.removeprefix("v1=")}


def customer_ticket() -> Ticket:
    """Return what the events' customer connects to the chat with."""
    return Ticket.of(CUSTOMER, "Ada Customer", frozenset({"customers"}), clock.now())


class World:
    """What the cases need on a running local stack.

    Parameters
    ----------
    stack
        The stack.
    functions
        Its functions: they know the tables.
    cases
        All cases.
    """

    def __init__(self, stack: Stack, functions: Mapping[str, Function], cases: Mapping[str, Case]) -> None:
        self._stack = stack
        self._cases = cases
        self._dynamodb = stack.client("dynamodb")
        self._products = functions["put-product"].environment["PRODUCTS_TABLE"]
        self._orders = functions["get-order"].environment["ORDERS_TABLE"]
        self._partner_orders = functions["get-partner-order"].environment["PARTNER_ORDERS_TABLE"]
        self._charges = functions["payments-sandbox"].environment["PAYMENTS_SANDBOX_TABLE"]
        self._chat = functions["open-connection"].environment["CHAT_TABLE"]
        self._partners = PartnerStore(self._dynamodb, stack.outputs["PartnersTableName"])
        self._tickets = TicketStore(self._dynamodb, self._chat)
        self._ticket = new_ticket()
        self._tokens, self._issued = partners()
        self._payments_secret = self._secret(functions["payments-sandbox"].environment["PAYMENTS_SECRET_ARN"])
        self._webhook_secret = webhook_of(stack)["secret"]
        self._seeded = {product["sku"]: item_of(product) for product in json.loads(PRODUCTS.read_text())}
        self._named = Named(cases.values())

    @contextmanager
    def prepared(self, state: Path) -> Iterator[World]:
        """Make the stack one to replay on, and leave it as it was, but for stock that was too scarce to order from."""
        with _alone(state):
            before = self._catalogue()
            try:
                for partner in self._issued:
                    self._remove_partner(partner.id)
                    self._partners.add(partner)
                for sku in before:
                    self._sell_as_seeded(sku, before[sku])
                yield self
            finally:
                self.tidy(self._cases.values())
                self._tickets.consume(self._ticket, clock.now())
                for partner in self._issued:
                    self._remove_partner(partner.id)
                for sku, item in before.items():
                    self._restore(sku, item)

    def values(self) -> dict[str, str]:
        """Return what stands for the placeholders, good for one case: a ticket counts once."""
        self._tickets.keep(self._ticket, customer_ticket())
        return {
            "ChatTicket": self._ticket,
            "PaymentsSecret": self._payments_secret,
            "UserPoolClientId": self._stack.outputs["UserPoolClientId"],
            **self._tokens,
            **signature(self._cases[SIGNED], self._webhook_secret),
        }

    def tidy(self, cases: Collection[Case]) -> None:
        """Remove what is kept of those whom cases name."""
        named = Named(cases)
        for order in self._orders_of(named):
            self._give_back(order)
            self._delete(self._orders, [_key(order, "customerId", "orderId")])
        for partner in named.partners:
            rows = self._rows(self._partner_orders, "partnerId", partner)
            self._delete(self._partner_orders, [_key(row, "partnerId", "reference") for row in rows])
        self._delete(self._charges, [{"idempotencyKey": {"S": key}} for key in named.charges])
        # A customer's connections are found by the customer: whichever case has opened them, they go.
        chat = [
            row
            for partition in [*named.chat, *self._named.connections]
            for row in self._rows(self._chat, "pk", partition)
        ]
        self._delete(self._chat, [_key(row, "pk", "sk") for row in chat] + self._named.memberships)
        for sku in named.written:
            self._sell_as_seeded(sku, {})

    def wait_until_settled(self, cases: Collection[Case]) -> None:
        """Wait until the stack has processed the orders of those whom cases name.

        Raises
        ------
        Problem
            It takes too long.
        """
        deadline = time.monotonic() + _SETTLED_WITHIN_SECONDS
        named = Named(cases)
        while any(order["status"]["S"] in _UNSETTLED for order in self._orders_of(named)):
            if time.monotonic() > deadline:
                raise Problem("the stack does not process orders: see make logs FUNCTION=ProcessOrders")
            time.sleep(_POLL_SECONDS)

    def _orders_of(self, named: Named) -> list[Item]:
        return [order for customer in named.customers for order in self._rows(self._orders, "customerId", customer)]

    def _secret(self, arn: str) -> str:
        value: str = self._stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        return value

    def _remove_partner(self, partner_id: str) -> None:
        self._delete(self._stack.outputs["PartnersTableName"], [{"partnerId": {"S": partner_id}}])

    def _rows(self, table: str, attribute: str, value: str) -> list[Item]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": attribute},
            ExpressionAttributeValues={":value": {"S": value}},
        )
        return [item for page in pages for item in page["Items"]]

    def _delete(self, table: str, keys: list[Item]) -> None:
        for start in range(0, len(keys), _BATCH):
            requests = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]
            self._dynamodb.batch_write_item(RequestItems={table: requests})

    def _give_back(self, order: Item) -> None:
        if order["status"]["S"] not in _HOLDING_STOCK:
            return
        for line in order["lines"]["L"]:
            self._dynamodb.update_item(
                TableName=self._products,
                Key={"sku": line["M"]["sku"]},
                UpdateExpression="ADD stock :quantity",
                ExpressionAttributeValues={":quantity": line["M"]["quantity"]},
            )

    def _catalogue(self) -> dict[str, Item]:
        """Return the products that the events are about as they are now, by SKU; of one that there is not, nothing."""
        skus = sorted({*self._seeded, *self._named.written})
        keys = [{"sku": {"S": sku}} for sku in skus]
        found = self._dynamodb.batch_get_item(RequestItems={self._products: {"Keys": keys, "ConsistentRead": True}})
        items = {item["sku"]["S"]: item for item in found["Responses"][self._products]}
        return {sku: items.get(sku, {}) for sku in skus}

    def _sell_as_seeded(self, sku: str, now: Item) -> None:
        seeded = self._seeded.get(sku)
        if seeded is None:
            self._delete(self._products, [{"sku": {"S": sku}}])
            return
        scarce = int(now["stock"]["N"]) < _ENOUGH if now else False
        if scarce or _without_stock(now) != _without_stock(seeded):
            self._write(sku, seeded, {"N": str(_ENOUGH)} if scarce else None)

    def _restore(self, sku: str, before: Item) -> None:
        if not before:
            self._delete(self._products, [{"sku": {"S": sku}}])
        elif _without_stock(before) != _without_stock(self._seeded.get(sku, {})):
            self._write(sku, before)

    def _write(self, sku: str, item: Item, stock: Json = None) -> None:
        """Write what the catalogue says of a product; its stock belongs to the orders, unless it is given."""
        values = _without_stock(item)
        gone = sorted({"version", "writeId"} - values.keys())
        kept = "stock = :stock" if stock else "stock = if_not_exists(stock, :stock)"
        self._dynamodb.update_item(
            TableName=self._products,
            Key={"sku": {"S": sku}},
            UpdateExpression=", ".join(["SET " + kept, *(f"#{name} = :{name}" for name in values)])
            + (" REMOVE " + ", ".join(gone) if gone else ""),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={
                ":stock": stock or item["stock"],
                **{f":{name}": value for name, value in values.items()},
            },
        )


class Named:
    """Whom and what cases name: only the events do, so all that is kept of them may go.

    Parameters
    ----------
    cases
        The cases. The ids of orders stand in the answers.
    """

    def __init__(self, cases: Collection[Case]) -> None:
        texts = {case.name: json.dumps([case.event, case.answer, case.sends]) for case in cases}
        told = " ".join(text for name, text in texts.items() if name.startswith("deliver-order-status/"))
        text = " ".join(texts.values())
        orders = set(re.findall(_ORDER, text))
        connections = set(re.findall(r'"connectionId": "([^"]+)"', text))
        # In bodies, which are JSON in JSON, the quotes are escaped.
        people = set(re.findall(r'\b(?:sub|customerId)\\*": ?(?:\{\\*"S\\*": ?)?\\*"([^"\\]+)', text))
        self.written = sorted({case.event["pathParameters"]["sku"] for case in cases if _writes_product(case)})
        self.partners = sorted(set(re.findall(r'"partnerId": (?:\{"stringValue": )?"([^"]+)"', text)))
        self.customers = sorted(people | {f"partner/{partner}" for partner in self.partners})
        self.charges = sorted(orders | set(re.findall(r"\bsample-[a-z0-9-]+", text)))
        # The room that everybody may join keeps what others have said there.
        self.memberships = [_member("support", connection) for connection in sorted(connections)]
        self.connections = [f"connection#{connection}" for connection in sorted(connections)]
        self.chat = sorted(
            {f"room#{room}" for room in re.findall(rf"\border-{_ORDER}", text)}
            | {f"sender#{customer}" for customer in people}
            | {f"order#{order}" for order in re.findall(_ORDER, told)}
        )


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keep a second replay from the same world."""
    with (state / "replay.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("this stack is being replayed on by another command: wait until it ends") from None
        yield


def _writes_product(case: Case) -> bool:
    return case.function == "put-product" and case.answer.get("statusCode") in (200, 201)


def _without_stock(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in ("sku", "stock")}


def _member(room: str, connection: str) -> Item:
    return {"pk": {"S": f"room#{room}"}, "sk": {"S": f"member#{connection}"}}


def _key(row: Item, *names: str) -> Item:
    return {name: row[name] for name in names}
