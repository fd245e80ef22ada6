"""Dead letters are shown without being touched, and moved without being lost, whatever gets in between."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from storefront.orders.event_bus import EventBus
from tests.support.faults import refusing
from tools.console import Problem
from tools.ops import redrive
from tools.ops.redrive import dead_letter_queues, run
from tools.stack.stack import Stack
from tools.testing.aws import Aws
from tools.testing.aws_calls import Listen

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


@dataclass(frozen=True)
class Shop(Stack):
    """A stack of a source queue, its dead-letter queue, and the stream's dead-letter queue, which has no source."""

    aws: Aws | None = None
    queues: ClassVar = ("OrdersQueue", "OrdersDeadLetterQueue", "OrderEventsDeadLetterQueue")

    @classmethod
    def create(cls, aws: Aws) -> "Shop":
        for name in cls.queues:
            aws.sqs.create_queue(QueueName=name)
        outputs = {"OrdersTableName": "OrdersTable", "EventBusName": "orders"}
        return cls(endpoint="", region="", credentials={}, outputs=outputs, users={}, aws=aws)

    def client(self, service: str) -> Any:
        return getattr(self.aws, service)

    def resources(self, kind: str) -> dict[str, str]:
        return {name: self.url(name) for name in self.queues}

    def url(self, name: str) -> str:
        url: str = self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        return url

    def put(self, name: str, body: str, **attributes: str) -> None:
        self.client("sqs").send_message(
            QueueUrl=self.url(name),
            MessageBody=body,
            MessageAttributes={key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()},
            MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}},
        )

    def held(self, name: str) -> dict[str, dict[str, Any]]:
        """Take everything that can be seen in a queue, by body."""
        messages = {}
        while (
            batch := self.client("sqs")
            .receive_message(
                QueueUrl=self.url(name),
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            .get("Messages")
        ):
            messages |= {message["Body"]: message for message in batch}
        return messages


@pytest.fixture
def shop(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(redrive, "_POLL_SECONDS", 0)
    return Shop.create(aws)


@pytest.fixture
def failing(listen: Listen) -> Callable[[str, Exception], None]:
    """Make an operation of AWS fail."""
    return lambda operation, error: listen(refusing(error, operation=operation))


def test_a_dead_letter_queue_is_found_with_the_queue_that_it_is_called_after(shop: Shop) -> None:
    queues = {queue.name: queue.source_url for queue in dead_letter_queues(shop)}

    assert queues == {"orders": shop.url("OrdersQueue"), "order-events": None}


def test_a_dry_run_shows_and_leaves_everything_in_sight(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(25):
        shop.put("OrdersDeadLetterQueue", f"letter {number}")

    run(shop, None, None, go=False)

    shown = capsys.readouterr().out
    assert all(f"letter {number} " in f"{shown} " or f"letter {number}\n" in shown for number in range(25))
    assert "orders: 25 dead letters" in shown
    assert "dry run, nothing has been moved" in shown
    assert len(shop.held("OrdersDeadLetterQueue")) == 25
    assert not shop.held("OrdersQueue")


@pytest.mark.parametrize("match", ["ord-1", "request-1"], ids=["in the body", "in an attribute"])
def test_what_matches_is_moved_whole_and_the_rest_stays(
    shop: Shop, match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.put("OrdersDeadLetterQueue", "about ord-1", correlationId="request-1", partnerId="acme")
    shop.put("OrdersDeadLetterQueue", "poison", correlationId="request-2")

    run(shop, "orders", match, go=True)

    (moved,) = shop.held("OrdersQueue").values()
    assert moved["Body"] == "about ord-1"
    attributes = {name: value["StringValue"] for name, value in moved["MessageAttributes"].items()}
    assert attributes == {"correlationId": "request-1", "partnerId": "acme"}
    assert moved["Attributes"]["AWSTraceHeader"] == TRACE
    assert shop.held("OrdersDeadLetterQueue").keys() == {"poison"}
    assert "moved 1 of 1, skipped 1, failed 0" in capsys.readouterr().out


def test_to_move_all_queues_at_once_is_refused(shop: Shop) -> None:
    with pytest.raises(Problem, match="order-events, orders"):
        run(shop, None, None, go=True)


def test_a_queue_that_is_not_there_is_told_with_those_that_are(shop: Shop) -> None:
    with pytest.raises(Problem, match="order-events, orders"):
        run(shop, "shipping", None, go=False)


REFUSED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "SendMessage")


@pytest.mark.parametrize("error", [REFUSED, EndpointConnectionError(endpoint_url="sqs")], ids=["refused", "no network"])
def test_what_cannot_be_sent_stays_and_is_reported(
    shop: Shop,
    failing: Callable[[str, Exception], None],
    error: Exception,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop.put("OrdersDeadLetterQueue", "letter")
    failing("SendMessage", error)

    with pytest.raises(Problem, match="1 could not be moved"):
        run(shop, "orders", None, go=True)

    monkeypatch.undo()
    assert "moved 0 of 1, skipped 0, failed 1" in capsys.readouterr().out
    assert shop.held("OrdersDeadLetterQueue").keys() == {"letter"}


def test_a_crash_between_the_two_leaves_two_copies_and_never_none(
    shop: Shop, failing: Callable[[str, Exception], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("OrdersDeadLetterQueue", "letter")
    failing("DeleteMessage", KeyboardInterrupt())  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        run(shop, "orders", None, go=True)

    monkeypatch.undo()
    assert shop.held("OrdersQueue").keys() == shop.held("OrdersDeadLetterQueue").keys() == {"letter"}


# "Using Lambda to process DynamoDB records: failed-event destinations", AWS Lambda Developer Guide.
BATCH = {
    "requestContext": {"condition": "RecordAgeExceeded", "approximateInvokeCount": 1},
    "DDBStreamBatchInfo": {
        "shardId": "shardId-1",
        "approximateArrivalOfFirstRecord": "2026-11-20T12:00:00Z",
        "approximateArrivalOfLastRecord": "2026-11-20T12:05:00Z",
        "batchSize": 7,
    },
}
ORDER_ID = f"ord-{'a' * 32}"
KEY = {"customerId": {"S": "ada"}, "orderId": {"S": ORDER_ID}}


def test_a_letter_of_the_stream_is_shown_with_what_it_points_to(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.put("OrderEventsDeadLetterQueue", json.dumps({"key": KEY, "sequenceNumber": "1"}))
    shop.put("OrderEventsDeadLetterQueue", json.dumps(BATCH))
    shop.put("OrderEventsDeadLetterQueue", "[]")

    run(shop, "order-events", None, go=False)

    shown = capsys.readouterr().out
    assert f"storefront order {ORDER_ID}" in shown
    assert "7 changes between 2026-11-20T12:00:00Z and 2026-11-20T12:05:00Z (RecordAgeExceeded)" in shown
    assert "not a letter of the stream's" in shown


def test_a_change_put_aside_is_published_as_its_order_is_now(
    aws: Aws, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given letters about an unreadable, a settled and an unsettled order, and one that names none
    unreadable, unsettled = (KEY | {"orderId": {"S": f"ord-{letter * 32}"}} for letter in "cb")
    for key, status in ((unreadable, "SHIPPED"), (KEY, "CONFIRMED"), (unsettled, "RESERVED")):
        aws.dynamodb.put_item(TableName=os.environ["ORDERS_TABLE"], Item={**item(status), **key})
        shop.put("OrderEventsDeadLetterQueue", json.dumps({"key": key, "sequenceNumber": "1"}))
    shop.put("OrderEventsDeadLetterQueue", json.dumps(BATCH))
    published: list[Any] = []
    monkeypatch.setattr(EventBus, "publish", lambda _, events: published.extend(events))

    with pytest.raises(Problem, match="3 could not be moved"):
        run(shop, "order-events", None, go=True)

    assert [(event.type, event.order.key.order_id) for event in published] == [("OrderConfirmed", ORDER_ID)]
    left = [json.loads(body) for body in shop.held("OrderEventsDeadLetterQueue")]
    assert len(left) == 3
    assert {"key": KEY, "sequenceNumber": "1"} not in left


def item(status: str) -> dict[str, Any]:
    return {
        "status": {"S": status},
        "version": {"N": "3"},
        "acceptedAt": {"S": "2026-11-20T12:00:00.000Z"},
        "updatedAt": {"S": "2026-11-20T12:00:01.000Z"},
        "currency": {"S": "EUR"},
        "lines": {
            "L": [
                {
                    "M": {
                        "sku": {"S": "MUG-001"},
                        "name": {"S": "Mug"},
                        "quantity": {"N": "1"},
                        "unitPrice": {"N": "1250"},
                    }
                }
            ]
        },
        "requestHash": {"S": "hash"},
        "correlationId": {"S": "request-1"},
        "reviews": {"N": "0"},
    }
