"""The products table: the only place that reads and writes the catalogue in DynamoDB.

The table is keyed by SKU, so that stock (which orders change all the time) spreads over its partitions. Two sparse
indexes order it for reading: `by-listing` (all products) and `by-category`. Neither projects the stock, so a sale
writes to the table alone and never to an index, whose one partition per list would throttle the sales ("Using Global
Secondary Indexes in DynamoDB", Amazon DynamoDB Developer Guide).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from storefront.catalog.product import Product
from storefront.shared.attributes import Item, readable
from storefront.shared.dynamodb import Refused, insist, insist_on_batch
from storefront.shared.errors import NotFound, PreconditionFailed
from storefront.shared.money import Money
from storefront.shared.paging import Key, Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An order that takes the stock at this moment is in the way of a write.
_PAUSES = (0.05, 0.1, 0.2, 0.4)


class ProductStore:
    """Reads products, and writes what the back office says of them.

    A write touches the attributes of the catalogue only: the stock belongs to the orders, and what this version of the
    code does not know stays as it is.
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
            raise NotFound("No product has this SKU. `GET /products` lists the products.")
        return _product(item)

    def create(self, product: Product, stock: int, write_id: str) -> Product:
        """Put a new product on sale, and return it as it is now.

        Parameters
        ----------
        product
            Its entry in the catalogue.
        stock
            How many there are.
        write_id
            Names this write and no other.

        Raises
        ------
        PreconditionFailed
            There is one of that SKU.
        """
        written = replace(product, version=1)
        values = _catalogue_values(written, write_id) | {"stock": {"N": str(stock)}, "listing": {"S": "all"}}
        refusal = "There is a product with this SKU. `GET` it, and send its `ETag` in `If-Match` to change it."
        return self._write(written, values, "attribute_not_exists(sku)", {}, refusal)

    def change(self, product: Product, version: int, write_id: str) -> Product:
        """Change a product that is of a version, and return it as it is now.

        Parameters
        ----------
        product
            Its new entry in the catalogue.
        version
            The version that it must have.
        write_id
            Names this write and no other.

        Raises
        ------
        PreconditionFailed
            It has another version, or does not exist.
        """
        written = replace(product, version=version + 1)
        values = _catalogue_values(written, write_id)
        # A product that was never edited has no version; it counts as 0.
        unedited = " OR attribute_not_exists(#version)" if version == 0 else ""
        condition = f"attribute_exists(sku) AND (#version = :read{unedited})"
        refusal = "The product has changed since you saw it, or there is none. `GET` it, and send the `ETag` it shows."
        return self._write(written, values, condition, {":read": {"N": str(version)}}, refusal)

    def _write(
        self, written: Product, values: Mapping[str, Any], condition: str, compared: Mapping[str, Any], refusal: str
    ) -> Product:
        update: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"sku": {"S": written.sku}},
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {**compared, **{f":{name}": value for name, value in values.items()}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            insist(lambda: self._dynamodb.update_item(**update), _PAUSES)
        except Refused as refused:
            # A write whose answer got lost is sent again by botocore, and then its own effect fails the condition.
            if refused.item().get("writeId") != values["writeId"]:
                raise PreconditionFailed(refusal) from refused
        return written

    def page(self, category: str | None, limit: int, after: Key | None) -> Page[Product]:
        """Return up to `limit` products in the order of their SKUs; one that cannot be read is skipped.

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
            items=readable(answer["Items"], _product, lambda item: item.get("sku")),
            last_key={"sku": last_key["sku"]["S"]} if last_key else None,
        )

    def get_many(self, skus: Iterable[str]) -> dict[str, Product]:
        """Return the products of these SKUs (100 at the most) by SKU, in one read; unknown ones are left out.

        Raises
        ------
        Overloaded
            There was still a rest after several attempts.
        """
        found: dict[str, Product] = {}

        def read(request: Any) -> Any:
            answer = self._dynamodb.batch_get_item(RequestItems=request)
            products = map(_product, answer["Responses"].get(self._table, []))
            found.update((product.sku, product) for product in products)
            return answer.get("UnprocessedKeys")

        keys = [{"sku": {"S": sku}} for sku in skus]
        insist_on_batch(read, {self._table: {"Keys": keys}}, _PAUSES)
        return found


def _catalogue_values(product: Product, write_id: str) -> dict[str, Any]:
    """Return the attributes that the catalogue owns."""
    return {
        "name": {"S": product.name},
        "description": {"S": product.description},
        "category": {"S": product.category},
        "price": {"N": str(product.price.amount)},
        "currency": {"S": product.price.currency},
        "version": {"N": str(product.version)},
        "writeId": {"S": write_id},
    }


def _product(item: Mapping[str, Any]) -> Product:
    value = Item(item)
    return Product(
        sku=value.text("sku"),
        name=value.text("name"),
        description=value.text("description"),
        category=value.text("category"),
        price=Money(value.number("price"), value.text("currency")),
        # The indexes leave it out: a list shows no entity tags.
        version=value.number("version") if value.has("version") else 0,
    )
