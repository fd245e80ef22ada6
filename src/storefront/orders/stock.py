"""The stock of products, as orders change it: each change is one write of an order's transaction."""

from typing import Any

from storefront.orders.order import Line


class StockRefused(Exception):
    """The condition on the stock of some products does not hold."""

    def __init__(self, skus: list[str]) -> None:
        super().__init__(", ".join(skus))
        self.skus = skus


def taking(line: Line) -> dict[str, Any]:
    """Return the update that takes a line's quantity, where there is as much."""
    return {
        "Key": {"sku": {"S": line.sku}},
        "UpdateExpression": "ADD stock :change",
        "ConditionExpression": "stock >= :needed",
        "ExpressionAttributeValues": {":change": {"N": str(-line.quantity)}, ":needed": {"N": str(line.quantity)}},
    }


def giving_back(line: Line) -> dict[str, Any]:
    """Return the update that gives a line's quantity back."""
    return {
        "Key": {"sku": {"S": line.sku}},
        "UpdateExpression": "ADD stock :change",
        # Without it, a deleted product would come back as nothing but its stock.
        "ConditionExpression": "attribute_exists(sku)",
        "ExpressionAttributeValues": {":change": {"N": str(line.quantity)}},
    }
