"""The sandbox's books: the charges it has made, in a DynamoDB table of its own."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from payments import clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of the books under one idempotency key; `status` is `None` until a charge is made or cancelled."""

    key: str
    calls: int
    status: str | None
    opened_at: datetime | None
    amount: int | None = None

    @property
    def charge_id(self) -> str:
        """The charge's id, the same for the same key."""
        return _charge_id(self.key)


class Books:
    """Keeps entries."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def find(self, key: str) -> Entry:
        """Return the entry under a key, an empty one where there is none."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(key), ConsistentRead=True)
        return _entry(key, answer.get("Item", {}))

    def count_call(self, key: str) -> Entry:
        """Count a call under a key and return the entry."""
        return self._update(key, "ADD calls :one", {":one": {"N": "1"}})

    def open(self, key: str, status: str, amount: int, metadata: str, now: datetime) -> Entry:
        """Make the charge, unless there is one, and return the entry."""
        return self._update(
            key,
            "SET #status = if_not_exists(#status, :status), amount = if_not_exists(amount, :amount), "
            "metadata = if_not_exists(metadata, :metadata), chargeId = if_not_exists(chargeId, :id), "
            "openedAt = if_not_exists(openedAt, :now)",
            {
                ":status": {"S": status},
                ":amount": {"N": str(amount)},
                ":metadata": {"S": metadata},
                ":id": {"S": _charge_id(key)},
                ":now": {"S": clock.to_text(now)},
            },
        )

    def set_status(self, key: str, status: str) -> Entry:
        """Set the status whatever it was, and return the entry."""
        return self._update(key, "SET #status = :status", {":status": {"S": status}})

    def _update(self, key: str, expression: str, values: dict[str, Any]) -> Entry:
        names = {"#status": "status"} if "#status" in expression else {}
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(key),
            UpdateExpression=expression,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
            **({"ExpressionAttributeNames": names} if names else {}),  # type: ignore[arg-type]
        )
        return _entry(key, answer["Attributes"])


def _charge_id(key: str) -> str:
    return "ch-" + hashlib.sha256(key.encode()).hexdigest()[:24]


def _key(key: str) -> dict[str, Any]:
    return {"idempotencyKey": {"S": key}}


def _entry(key: str, item: Any) -> Entry:
    return Entry(
        key=key,
        calls=int(item["calls"]["N"]) if "calls" in item else 0,
        status=item["status"]["S"] if "status" in item else None,
        opened_at=clock.from_text(item["openedAt"]["S"]) if "openedAt" in item else None,
        amount=int(item["amount"]["N"]) if "amount" in item else None,
    )
