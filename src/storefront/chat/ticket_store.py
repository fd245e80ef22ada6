"""The tickets in the chat's table: the only place that reads and writes them in DynamoDB."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storefront.chat.table import Row, key, seconds
from storefront.chat.ticket import Ticket, hash_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TicketStore:
    """Keeps tickets until they are used."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def keep(self, text: str, ticket: Ticket) -> None:
        """Write a new ticket, its text as a hash only."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                **_key(text),
                "customer": {"S": ticket.customer_id},
                "name": {"S": ticket.name},
                "group": {"S": ticket.group},
                "expiresAt": seconds(ticket.expires_at),
            },
        )

    def consume(self, text: str, now: datetime) -> Ticket | None:
        """Take a ticket, so that nobody else can; `None` where there is none that is still good.

        The delete lets one through of those who come with the same ticket at once. Where its answer is lost, the
        repeated call finds nothing: its holder asks for another ticket, and nobody comes in twice.
        """
        try:
            answer = self._dynamodb.delete_item(
                TableName=self._table,
                Key=_key(text),
                # DynamoDB deletes what has expired within a few days ("Using time to live (TTL) in DynamoDB", Amazon
                # DynamoDB Developer Guide); until then it is there, and counts as absent.
                ConditionExpression="expiresAt > :now",
                ExpressionAttributeValues={":now": seconds(now)},
                ReturnValues="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return _ticket(answer["Attributes"])


def _key(text: str) -> Row:
    return key(f"ticket#{hash_of(text)}", "ticket")


def _ticket(item: Mapping[str, Any]) -> Ticket:
    return Ticket(
        customer_id=item["customer"]["S"],
        name=item["name"]["S"],
        group=item["group"]["S"],
        expires_at=datetime.fromtimestamp(int(item["expiresAt"]["N"]), UTC),
    )
