"""A queue whose messages we receive, and what comes with a message."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class MalformedMessage(Exception):
    """A message that no redelivery makes readable. It belongs in the dead-letter queue."""


class ConsumedQueue:
    """A queue as its consumer sees it."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Keep a message that was received, and not processed, from being received again for `seconds`."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)


def correlation_id_of(record: dict[str, Any]) -> str:
    """Return the id of the request that a record's message goes back to."""
    return attribute_of(record, "correlationId") or str(record["messageId"])


def attribute_of(record: dict[str, Any], name: str) -> str:
    """Return an attribute of a record's message, empty where it has none."""
    attribute = (record.get("messageAttributes") or {}).get(name) or {}
    return str(attribute.get("stringValue") or "")
