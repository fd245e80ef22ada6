"""Order events reach the customer's open connections: the newest status, to all of them, again where it failed."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storefront.chat import deliver_order_status
from storefront.chat.connection import OPENING_TIME, Connection, ConnectionGone, PostFailed
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.order_status import NotDelivered, order_status_of, tell_customer
from storefront.chat.order_version_store import OrderVersionStore
from storefront.shared import clock
from tests.support.faults import Failing, aws_error
from tools.testing.aws import Aws
from tools.testing.events import Context, sqs_record

CUSTOMER = "the-customer"


class Gateway:
    """Plays @connections: some connections are gone, some fail for now."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.gone: set[str] = set()
        self.failing: set[str] = set()

    def post(self, connection_id: str, frame: dict[str, Any]) -> None:
        if connection_id in self.gone:
            raise ConnectionGone(connection_id)
        if connection_id in self.failing:
            raise PostFailed("LimitExceededException")
        self.posts.append((connection_id, frame))


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    gateway = Gateway()
    monkeypatch.setattr(deliver_order_status, "_gateway", gateway)
    return gateway


@pytest.fixture
def connections(aws: Aws) -> ConnectionStore:
    return ConnectionStore(aws.dynamodb, "ChatTable")


def connect(
    connections: ConnectionStore, connection_id: str, customer_id: str = CUSTOMER, ago: timedelta = timedelta(minutes=1)
) -> None:
    connected_at = clock.now() - ago
    connections.open(Connection(connection_id, customer_id, "A customer", "customer", connected_at))


def open_connections(connections: ConnectionStore, customer_id: str = CUSTOMER) -> set[str]:
    found = connections.of_customer(customer_id, datetime(2020, 1, 1, tzinfo=UTC))
    return {recipient.connection_id for recipient in found}


def event(status: str = "CONFIRMED", version: Any = 3, **more: Any) -> dict[str, Any]:
    detail = {
        "schemaVersion": 1,
        "orderId": "ord-1",
        "customerId": CUSTOMER,
        "status": status,
        "version": version,
        "total": {"amount": 1000, "currency": "EUR"},
        "acceptedAt": "2026-11-20T12:00:00.000Z",
        "occurredAt": "2026-11-20T12:00:01.250Z",
        "correlationId": "the-request",
        **more,
    }
    return {"version": "0", "detail-type": "OrderConfirmed", "source": "storefront.orders", "detail": detail}


def consume(*bodies: Any, context: Context | None = None) -> list[int]:
    """Return the positions of the messages that failed."""
    records = [sqs_record(body) for body in bodies]
    answer = deliver_order_status.handler({"Records": records}, context or Context())  # type: ignore[arg-type]
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return [position for position, record in enumerate(records) if record["messageId"] in failed]


def test_every_open_connection_of_the_customer_gets_the_status_and_nobody_else_does(
    connections: ConnectionStore, gateway: Gateway
) -> None:
    # given two connections of the customer's, one that has expired, and one of another customer
    connect(connections, "phone")
    connect(connections, "laptop")
    connect(connections, "yesterday", ago=timedelta(hours=3))
    connect(connections, "stranger", customer_id="another")

    # when an order is confirmed
    assert consume(event()) == []

    # then both get it, whole
    frame = {
        "event": "orderStatus",
        "orderId": "ord-1",
        "status": "CONFIRMED",
        "version": 3,
        "occurredAt": "2026-11-20T12:00:01.250Z",
    }
    assert sorted(gateway.posts, key=str) == [("laptop", frame), ("phone", frame)]


def test_a_rejection_comes_with_its_reason(connections: ConnectionStore, gateway: Gateway) -> None:
    connect(connections, "phone")

    consume(event("REJECTED", 2, rejectionReason="OUT_OF_STOCK"))

    assert gateway.posts[0][1]["rejectionReason"] == "OUT_OF_STOCK"


def test_a_customer_without_the_chat_open_is_no_failure(connections: ConnectionStore, gateway: Gateway) -> None:
    assert consume(event()) == []


def test_an_older_status_is_dropped_and_the_same_one_told_again(connections: ConnectionStore, gateway: Gateway) -> None:
    connect(connections, "phone")

    assert consume(event("PENDING", 1), event("CONFIRMED", 3), event("PENDING", 1), event("CONFIRMED", 3)) == []

    assert [frame["version"] for _, frame in gateway.posts] == [1, 3, 3]


def test_the_newest_version_is_kept_for_a_month_where_the_next_release_finds_it(aws: Aws) -> None:
    now = clock.now()

    OrderVersionStore(aws.dynamodb, "ChatTable").see("ord-1", 3, now)

    (row,) = aws.dynamodb.scan(TableName="ChatTable")["Items"]
    assert row == {
        "pk": {"S": "order#ord-1"},
        "sk": {"S": "status"},
        "version": {"N": "3"},
        "expiresAt": {"N": str(int((now + timedelta(days=30)).timestamp()))},
    }


def test_posts_that_there_was_no_time_for_are_tried_again(
    aws: Aws, connections: ConnectionStore, gateway: Gateway
) -> None:
    connect(connections, "phone")
    connect(connections, "laptop")
    status, versions = order_status_of(sqs_record(event())), OrderVersionStore(aws.dynamodb, "ChatTable")

    with pytest.raises(NotDelivered, match=r"^2 of 2 connections"):
        tell_customer(status, versions, connections, gateway, lambda: False, clock.now())


def test_versions_of_two_orders_do_not_meet(connections: ConnectionStore, gateway: Gateway) -> None:
    connect(connections, "phone")

    consume(event(version=3), event("PENDING", 1, orderId="ord-2"))

    assert [frame["orderId"] for _, frame in gateway.posts] == ["ord-1", "ord-2"]


def test_connections_that_are_gone_are_removed_and_fail_nothing(connections: ConnectionStore, gateway: Gateway) -> None:
    for name in ("phone", "laptop", "tablet"):
        connect(connections, name)
    gateway.gone = {"laptop", "tablet"}

    assert consume(event()) == []

    assert [name for name, _ in gateway.posts] == ["phone"]
    assert open_connections(connections) == {"phone"}


def test_a_connection_that_fails_keeps_its_row_and_is_tried_again(
    connections: ConnectionStore, gateway: Gateway
) -> None:
    # given one connection that works, and one that is throttled
    connect(connections, "phone")
    connect(connections, "laptop")
    gateway.failing = {"laptop"}

    # when a status comes, it fails alone
    assert consume(event(), event("PENDING", 1, customerId="another", orderId="ord-2")) == [0]
    assert open_connections(connections) == {"phone", "laptop"}

    # then it comes again, and this time reaches both
    gateway.failing = set()
    gateway.posts.clear()
    assert consume(event()) == []
    assert {name for name, _ in gateway.posts} == {"phone", "laptop"}


def test_a_connection_that_is_being_opened_is_told_later_and_not_deleted(
    connections: ConnectionStore, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a row that is there, and a handshake that is not done: the gateway does not know the connection
    connect(connections, "phone", ago=timedelta(0))
    gateway.gone = {"phone"}

    # when a status comes, it is one that failed
    assert consume(event()) == [0]
    assert open_connections(connections) == {"phone"}

    # then it comes again, and reaches the customer
    gateway.gone = set()
    assert consume(event()) == []
    assert [name for name, _ in gateway.posts] == ["phone"]

    # and whoever is gone after all is removed when no handshake can be under way any more
    gateway.gone = {"phone"}
    later = clock.now() + OPENING_TIME
    monkeypatch.setattr(clock, "now", lambda: later)
    assert consume(event()) == []
    assert open_connections(connections) == set()


def test_a_version_that_meets_a_transaction_is_noted_after_it(
    connections: ConnectionStore, gateway: Gateway, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(connections, "phone")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    busy = Failing(aws.dynamodb, "update_item", aws_error("TransactionConflictException"), times=2)

    assert OrderVersionStore(busy, "ChatTable").see("ord-1", 3, clock.now())  # type: ignore[arg-type]

    assert busy.left == 0


def test_nothing_is_begun_that_could_not_end(connections: ConnectionStore, gateway: Gateway) -> None:
    connect(connections, "phone")

    assert consume(event(), context=Context(remaining_milliseconds=15_000)) == [0]

    assert gateway.posts == []


@pytest.mark.parametrize(
    "poison",
    ["not JSON", "null", "[]", "{}", {"detail": None}, {"detail": []}, {"detail": "text"}, event(version="3"),
     event(version=True), event(orderId=""), event(customerId=None), event(status=1), event(schemaVersion=2),
     "[" * 100_000],
    ids=lambda poison: str(poison)[:40],
)  # fmt: skip
def test_what_is_no_order_event_fails_alone(connections: ConnectionStore, gateway: Gateway, poison: Any) -> None:
    connect(connections, "phone")

    assert consume(event(), poison, event("CONFIRMED", 4)) == [1]

    assert [frame["version"] for _, frame in gateway.posts] == [3, 4]


def test_members_that_are_not_known_yet_are_ignored(connections: ConnectionStore, gateway: Gateway) -> None:
    connect(connections, "phone")

    assert consume(event(loyaltyPoints=7)) == []

    assert "loyaltyPoints" not in gateway.posts[0][1]


def test_the_log_goes_by_the_request_that_placed_the_order(
    connections: ConnectionStore, gateway: Gateway, log: io.StringIO
) -> None:
    connect(connections, "phone")

    consume(event())

    lines = [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line.get("message") == "order status processed"]
    told = {"correlation_id": "the-request", "order_id": "ord-1", "version": 3, "posts": {"delivered": 1}}
    assert {name: line[name] for name in told} == told
