"""The world that the cases need on a running stack: nothing has happened yet to those whom the events name.

Before each case, everything stored for the customers, partners, connections, orders and charges that it names is
deleted, whoever has left it, and so it is at the end. Orders that go give back the stock they took.
"""

import fcntl
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tools.console import Problem
from tools.replay.cases import Case
from tools.replay.catalogue import Catalogue
from tools.replay.credentials import Credentials
from tools.replay.names import Named
from tools.stack.functions import Function
from tools.stack.seed import webhook_of
from tools.stack.stack import Stack

_HOLDING_STOCK = {"RESERVED", "AWAITING_PAYMENT", "CONFIRMED"}
_UNSETTLED = {"PENDING", "RESERVED"}
_SETTLED_WITHIN_SECONDS = 30
_POLL_SECONDS = 0.2
_BATCH = 25  # "BatchWriteItem", Amazon DynamoDB API Reference

Item = dict[str, Any]


class World:
    """The world of all cases on a running local stack, whose functions know the tables."""

    def __init__(self, stack: Stack, functions: Mapping[str, Function], cases: Mapping[str, Case]) -> None:
        self._dynamodb = stack.client("dynamodb")
        self._cases = cases.values()
        self._named = Named(self._cases)
        self._orders = functions["get-order"].environment["ORDERS_TABLE"]
        self._partner_orders = functions["get-partner-order"].environment["PARTNER_ORDERS_TABLE"]
        self._chat = functions["open-connection"].environment["CHAT_TABLE"]
        sandbox = functions["payments-sandbox"].environment
        self._charges = sandbox["PAYMENTS_SANDBOX_TABLE"]
        products = functions["put-product"].environment["PRODUCTS_TABLE"]
        self._catalogue = Catalogue(self._dynamodb, products, self._named.written)
        secrets = stack.client("secretsmanager")
        self._credentials = Credentials(
            self._dynamodb,
            partners_table=stack.outputs["PartnersTableName"],
            chat_table=self._chat,
            user_pool_client=stack.outputs["UserPoolClientId"],
            payments_secret=secrets.get_secret_value(SecretId=sandbox["PAYMENTS_SECRET_ARN"])["SecretString"],
            webhook_secret=webhook_of(stack)["secret"],
        )

    @contextmanager
    def prepared(self, state: Path) -> Iterator[Self]:
        """Make the stack one to replay on, and leave it as it was, but for stock that was too scarce to order from."""
        with _alone(state), self._catalogue.seeded():
            self._credentials.issue()
            try:
                yield self
            finally:
                self.tidy(self._cases)
                self._credentials.withdraw()

    def values(self) -> dict[str, str]:
        """Return the values of the placeholders, good for one case."""
        return self._credentials.values()

    def tidy(self, cases: Collection[Case]) -> None:
        """Remove everything stored for those whom cases name."""
        named = Named(cases)
        for order in self._orders_of(named):
            if order["status"]["S"] in _HOLDING_STOCK:
                self._catalogue.give_back(order)
            self._delete(self._orders, [_key(order, "customerId", "orderId")])
        for partner in named.partners:
            rows = self._rows(self._partner_orders, "partnerId", partner)
            self._delete(self._partner_orders, [_key(row, "partnerId", "reference") for row in rows])
        self._delete(self._charges, [{"idempotencyKey": {"S": key}} for key in named.charges])
        # A customer's connections are found by the customer: whichever case has opened them, they go.
        for partition in (*named.chat, *self._named.connections):
            self._delete(self._chat, [_key(row, "pk", "sk") for row in self._rows(self._chat, "pk", partition)])
        self._delete(self._chat, self._named.memberships)
        for sku in named.written:
            self._catalogue.reset(sku)

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

    def _rows(self, table: str, attribute: str, value: str) -> list[Item]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression=f"{attribute} = :value",
            ExpressionAttributeValues={":value": {"S": value}},
        )
        return [item for page in pages for item in page["Items"]]

    def _delete(self, table: str, keys: list[Item]) -> None:
        for start in range(0, len(keys), _BATCH):
            requests = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]
            self._dynamodb.batch_write_item(RequestItems={table: requests})


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keep a second replay from the same world."""
    with (state / "replay.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("this stack is being replayed on by another command: wait until it ends") from None
        yield


def _key(row: Item, *names: str) -> Item:
    return {name: row[name] for name in names}
