"""The world that the cases need on a running stack: nothing has happened yet to those whom the events name."""

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from tools.console import Problem
from tools.replay.cases import Case, Named
from tools.replay.credentials import Credentials
from tools.stack.functions import Function
from tools.stack.seed import PRODUCTS, item_of
from tools.stack.stack import Stack

_HOLDING_STOCK = {"RESERVED", "AWAITING_PAYMENT", "CONFIRMED", "REFUND_FAILED"}
_UNSETTLED = {"PENDING", "RESERVED"}
_SETTLED_WITHIN_SECONDS = 30
_POLL_SECONDS = 0.2
_ENOUGH = 50  # in stock; an order of the events needs far less

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
        """Remove everything stored for those whom the events name; orders give back the stock they took."""
        for order in self._rows(self._orders):
            if order["status"]["S"] in _HOLDING_STOCK:
                self._catalogue.give_back(order)
        for table, keys in self._keys.items():
            for row in self._rows(table):
                self._dynamodb.delete_item(TableName=table, Key={key: row[key] for key in keys})
        for sku in self._named.products:
            self._catalogue.reset(sku)

    def wait_until_settled(self) -> None:
        """Wait until the stack has processed the orders of the events; a `Problem` says if it takes too long."""
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


class Catalogue:
    """Products that are as they were seeded for the time of a replay; their stock belongs to the orders throughout."""

    def __init__(self, dynamodb: Any, table: str, written: list[str]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._update = partial(dynamodb.update_item, TableName=table)
        self._seeded = {product["sku"]: item_of(product) for product in json.loads(PRODUCTS.read_text())}
        self._skus = sorted({*self._seeded, *written})

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """Have the products as they were seeded, and then as they are now, but for stock that is too scarce."""
        keys = [{"sku": {"S": sku}} for sku in self._skus]
        found = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
        before = {item["sku"]["S"]: item for item in found["Responses"][self._table]}
        try:
            for sku in self._skus:
                self.reset(sku)
                self._fill_up(sku)
            yield
        finally:
            for sku in self._skus:
                self._write(sku, before.get(sku))

    def reset(self, sku: str) -> None:
        """Have a product as it was seeded; one that was not seeded goes."""
        self._write(sku, self._seeded.get(sku))

    def give_back(self, order: Item) -> None:
        """Add what an order has reserved to the stock."""
        for line in (line["M"] for line in order["lines"]["L"]):
            values = {":quantity": line["quantity"]}
            self._update(
                Key={"sku": line["sku"]}, UpdateExpression="ADD stock :quantity", ExpressionAttributeValues=values
            )

    def _fill_up(self, sku: str) -> None:
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._update(
                Key={"sku": {"S": sku}},
                UpdateExpression="SET stock = :enough",
                ConditionExpression="stock < :enough",
                ExpressionAttributeValues={":enough": {"N": str(_ENOUGH)}},
            )

    def _write(self, sku: str, item: Item | None) -> None:
        """Write a product, but not the stock of one that is there; without an item, delete it."""
        key = {"sku": {"S": sku}}
        if item is None:
            self._dynamodb.delete_item(TableName=self._table, Key=key)
            return
        described = item.keys() - {"sku", "stock"}
        sets = ["stock = if_not_exists(stock, :stock)", *(f"#{name} = :{name}" for name in described)]
        # An edit has left these.
        gone = {"version", "writeId"} - described
        self._update(
            Key=key,
            UpdateExpression=f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(gone)}" if gone else ""),
            ExpressionAttributeNames={f"#{name}": name for name in described},
            ExpressionAttributeValues={f":{name}": item[name] for name in described | {"stock"}},
        )
