"""The world that the cases need on a running stack: nothing has happened yet to those whom the events name.

Before each case, and at the end, everything stored for the customers, partners, connections, orders and charges of the
events is deleted, whoever has left it. Orders that go give back the stock they took.
"""

import fcntl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tools.console import Problem
from tools.replay.cases import Case
from tools.replay.catalogue import Catalogue
from tools.replay.credentials import Credentials
from tools.replay.names import Named
from tools.stack.functions import Function
from tools.stack.stack import Stack

_HOLDING_STOCK = {"RESERVED", "AWAITING_PAYMENT", "CONFIRMED"}
_UNSETTLED = {"PENDING", "RESERVED"}
_SETTLED_WITHIN_SECONDS = 30
_POLL_SECONDS = 0.2

Item = dict[str, Any]


class World:
    """The world of all cases on a running local stack, whose functions know the tables."""

    def __init__(self, stack: Stack, functions: Mapping[str, Function], cases: Mapping[str, Case]) -> None:
        self._dynamodb = stack.client("dynamodb")
        self._named = Named(cases.values())
        sandbox = functions["payments-sandbox"].environment
        chat = functions["open-connection"].environment["CHAT_TABLE"]
        self._orders = functions["get-order"].environment["ORDERS_TABLE"]
        self._keys = {
            self._orders: ("customerId", "orderId"),
            functions["get-partner-order"].environment["PARTNER_ORDERS_TABLE"]: ("partnerId", "reference"),
            sandbox["PAYMENTS_SANDBOX_TABLE"]: ("idempotencyKey",),
            chat: ("pk", "sk"),
        }
        products = functions["put-product"].environment["PRODUCTS_TABLE"]
        self._catalogue = Catalogue(self._dynamodb, products, self._named.products)
        self._credentials = Credentials.of(stack, functions)

    @contextmanager
    def prepared(self, state: Path) -> Iterator[Self]:
        """Make the stack one to replay on, and leave it as it was, but for stock that was too scarce to order from."""
        with _alone(state), self._catalogue.seeded():
            self._credentials.issue()
            try:
                yield self
            finally:
                self.tidy()
                self._credentials.withdraw()

    def values(self) -> dict[str, str]:
        """Return the values of the placeholders, good for one case."""
        return self._credentials.values()

    def tidy(self) -> None:
        """Remove everything stored for those whom the events name."""
        for order in self._rows(self._orders):
            if order["status"]["S"] in _HOLDING_STOCK:
                self._catalogue.give_back(order)
        for table, keys in self._keys.items():
            for row in self._rows(table):
                self._dynamodb.delete_item(TableName=table, Key={key: row[key] for key in keys})
        for sku in self._named.products:
            self._catalogue.reset(sku)

    def wait_until_settled(self) -> None:
        """Wait until the stack has processed the orders of the events.

        Raises
        ------
        Problem
            It takes too long.
        """
        deadline = time.monotonic() + _SETTLED_WITHIN_SECONDS
        while any(order["status"]["S"] in _UNSETTLED for order in self._rows(self._orders)):
            if time.monotonic() > deadline:
                raise Problem("the stack does not process orders: see storefront logs --function process-orders")
            time.sleep(_POLL_SECONDS)

    def _rows(self, table: str) -> list[Item]:
        """Return what is stored in a table for those whom the events name; a scan does for a stack on this machine."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        keys = self._keys[table]
        return [row for page in pages for row in page["Items"] if self._named.has(*(row[key]["S"] for key in keys))]


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keep a second replay from the same world."""
    with (state / "replay.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("this stack is being replayed on by another command: wait until it ends") from None
        yield
