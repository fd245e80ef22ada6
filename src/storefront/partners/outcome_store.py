"""The partner orders table: the only place that reads and writes, in DynamoDB, what became of partners' orders."""

from typing import TYPE_CHECKING, Any

from storefront.partners.outcome import Outcome, OutcomeKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class OutcomeStore:
    """Keeps outcomes, by partner and reference: nobody finds one without knowing whose it is."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def accept(self, key: OutcomeKey, order_id: str) -> None:
        """Record the order that was made; what was refused under the reference before is settled by it."""
        self._update(key, "SET orderId = :value REMOVE refusal", order_id)

    def refuse(self, key: OutcomeKey, refusal: str) -> None:
        """Record why a request was refused; an order that was made under the reference before stays."""
        self._update(key, "SET refusal = :value", refusal)

    def get(self, key: OutcomeKey) -> Outcome | None:
        """Return an outcome as it is now, `None` where the partner has none under the reference."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(key), ConsistentRead=True)
        item: Any = answer.get("Item")
        if item is None:
            return None
        return Outcome(*(item[name]["S"] if name in item else None for name in ("orderId", "refusal")))

    def _update(self, key: OutcomeKey, expression: str, value: str) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(key),
            UpdateExpression=expression,
            ExpressionAttributeValues={":value": {"S": value}},
        )


def _key(key: OutcomeKey) -> dict[str, Any]:
    return {"partnerId": {"S": key.partner_id}, "reference": {"S": key.reference}}
