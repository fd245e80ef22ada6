"""The products table: the only place that reads the catalogue from DynamoDB.

The table is keyed by SKU, so that stock (which orders change all the time) spreads over its partitions. Two sparse
indexes order it for reading: `by-listing` (all products) and `by-category`. Neither projects the stock, so a sale
writes to the table alone and never to an index, whose one partition per list would throttle the sales ("Using Global
Secondary Indexes in DynamoDB", Amazon DynamoDB Developer Guide).
"""

import random
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from storefront.catalog.product import Product
from storefront.shared.errors import NotFound, Overloaded
from storefront.shared.money import Money
from storefront.shared.paging import Key, Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_from_attribute = TypeDeserializer().deserialize

_BATCH_ATTEMPTS = 5


class ProductStore:
    """Reads products.

    Parameters
    ----------
    dynamodb
        A DynamoDB client.
    table
        The name of the products table.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, sku: str) -> Product:
        """Return a product.

        Raises
        ------
        NotFound
            There is none of that SKU.
        """
        item = self._dynamodb.get_item(TableName=self._table, Key={"sku": {"S": sku}}).get("Item")
        if item is None:
            raise NotFound("There is no product with this SKU. `GET /products` lists what there is.")
        return _product(item)

    def page(self, category: str | None, limit: int, after: Key | None) -> Page[Product]:
        """Return up to `limit` products in the order of their SKUs.

        Reads exactly what the page needs. Whether more follow is what DynamoDB says when it stops at the limit; where
        the list ends exactly there, the next page is empty.

        Parameters
        ----------
        category
            Only the products of this category; `None` for all.
        limit
            How many products at the most.
        after
            `last_key` of the page before; `None` for the first page.
        """
        index, attribute, value = (
            ("by-category", "category", category) if category else ("by-listing", "listing", "all")
        )
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": attribute},
            "ExpressionAttributeValues": {":partition": {"S": value}},
            "Limit": limit,
        }
        if after:
            query["ExclusiveStartKey"] = {"sku": {"S": after["sku"]}, attribute: {"S": value}}
        answer = self._dynamodb.query(**query)
        last_key = answer.get("LastEvaluatedKey")
        return Page(
            items=[_product(item) for item in answer["Items"]],
            last_key={"sku": last_key["sku"]["S"]} if last_key else None,
        )

    def get_many(self, skus: Iterable[str]) -> dict[str, Product]:
        """Return the products of these SKUs (100 at the most) by SKU, in one read; unknown ones are left out.

        DynamoDB may answer a part and name the rest as unprocessed (`BatchGetItem`, Amazon DynamoDB API Reference): the
        rest is asked for again, with a growing, jittered pause.

        Raises
        ------
        Overloaded
            There was still a rest after several attempts.
        """
        request: Mapping[str, Any] = {self._table: {"Keys": [{"sku": {"S": sku}} for sku in skus]}}
        found: dict[str, Product] = {}
        for attempt in range(_BATCH_ATTEMPTS):
            answer = self._dynamodb.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._table, []):
                product = _product(item)
                found[product.sku] = product
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return found
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise Overloaded("DynamoDB left products unread after several attempts")


def _product(item: Mapping[str, Any]) -> Product:
    value = {name: _from_attribute(attribute) for name, attribute in item.items()}
    return Product(
        sku=value["sku"],
        name=value["name"],
        description=value["description"],
        category=value["category"],
        price=Money(int(value["price"]), value["currency"]),
    )
