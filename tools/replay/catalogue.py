"""The products that the events are about."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tools.stack.seed import PRODUCTS, item_of

# An order of the events needs far less.
_ENOUGH = 50

Item = dict[str, Any]


class Catalogue:
    """Products that are as they were seeded for the time of a replay; their stock belongs to the orders throughout."""

    def __init__(self, dynamodb: Any, table: str, written: list[str]) -> None:
        self._dynamodb = dynamodb
        self._table = table
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
        for line in order["lines"]["L"]:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"sku": line["M"]["sku"]},
                UpdateExpression="ADD stock :quantity",
                ExpressionAttributeValues={":quantity": line["M"]["quantity"]},
            )

    def _fill_up(self, sku: str) -> None:
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._dynamodb.update_item(
                TableName=self._table,
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
        described = {name: value for name, value in item.items() if name not in ("sku", "stock")}
        # An edit has left these.
        gone = sorted({"version", "writeId"} - described.keys())
        self._dynamodb.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression=", ".join(
                ["SET stock = if_not_exists(stock, :stock)", *(f"#{name} = :{name}" for name in described)]
            )
            + (f" REMOVE {', '.join(gone)}" if gone else ""),
            ExpressionAttributeNames={f"#{name}": name for name in described},
            ExpressionAttributeValues={":stock": item["stock"], **{f":{name}": described[name] for name in described}},
        )
