"""The limit on the frames of a user, and the writes that go with a frame."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from storefront.chat.connection import MAX_FRAMES, WINDOW_SECONDS
from storefront.chat.table import PAUSES, customer_key
from storefront.shared.dynamodb import Refused, insist
from storefront.shared.errors import TooManyRequests

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TOO_FAST = (
    f"Too many frames. Send at most {MAX_FRAMES} in {WINDOW_SECONDS} seconds, over all your connections; this one was "
    "left out, send it again."
)


class FrameLimit:
    """Counts frames.

    Every method raises `TooManyRequests` if there were as many frames as a user may send in this time.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def count(self, customer_id: str, now: datetime) -> None:
        """Count a frame that nothing else is written for."""
        try:
            insist(lambda: self._dynamodb.update_item(**self._counted(customer_id, now)), PAUSES)
        except Refused as refused:
            raise TooManyRequests(_TOO_FAST) from refused

    def count_with(self, customer_id: str, now: datetime, *writes: Any) -> None:
        """Count a frame, at position 0 of a transaction, and make its writes, behind it: all of this or nothing.

        Raises
        ------
        Refused
            The conditions of some of the writes do not hold.
        """
        transaction: Any = [{"Update": self._counted(customer_id, now)}, *writes]
        try:
            insist(lambda: self._dynamodb.transact_write_items(TransactItems=transaction), PAUSES)
        except Refused as refused:
            if 0 in refused.positions:
                raise TooManyRequests(_TOO_FAST) from refused
            raise

    def _counted(self, customer_id: str, now: datetime) -> Any:
        window = int(now.timestamp()) // WINDOW_SECONDS
        return {
            "TableName": self._table,
            "Key": customer_key(customer_id, f"frames#{window}"),
            "UpdateExpression": "ADD frames :one SET expiresAt = :expires",
            "ConditionExpression": "attribute_not_exists(frames) OR frames < :most",
            "ExpressionAttributeValues": {
                ":one": {"N": "1"},
                ":most": {"N": str(MAX_FRAMES)},
                ":expires": {"N": str((window + 1) * WINDOW_SECONDS)},
            },
        }
