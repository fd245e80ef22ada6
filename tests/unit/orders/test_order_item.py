"""Orders as items: what was written is read, whatever an order has come to."""

import re
import zlib
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from storefront.orders.order import Line, Order, OrderKey, Refund
from storefront.orders.order_item import change_of, item_of, log_key, order_of
from storefront.orders.status import Reason, Status
from storefront.shared.attributes import Unreadable
from storefront.shared.money import Money

ORDER = Order(
    key=OrderKey("customer", "ord-1"),
    lines=(Line("MUG-001", "Mug", 2, Money(1000, "EUR")), Line("POT-001", "Teapot", 1, Money(2500, "EUR"))),
    request_hash="hash",
    correlation_id="correlation",
    accepted_at=datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC),
    updated_at=datetime(2026, 1, 2, 3, 4, 6, 789_000, UTC),
    review_at=datetime(2026, 1, 2, 4, tzinfo=UTC),
    status=Status.REJECTED,
    version=7,
    reviews=3,
    charge_id="ch-1",
    rejection_reason=Reason.PAYMENT_UNAVAILABLE,
    refund_due=True,
    refund_event_id="evt-1",
    refund=Refund("refund-1", "sue", "Broken on arrival."),
)


@pytest.mark.parametrize(
    "order",
    [
        ORDER,
        replace(ORDER, review_at=None),
        replace(ORDER, charge_id=None),
        replace(ORDER, rejection_reason=None),
        replace(ORDER, refund_due=False),
        replace(ORDER, refund_event_id=None),
        replace(ORDER, refund=None),
    ],
)
def test_an_order_reads_back_as_it_was_written(order: Order) -> None:
    assert order_of(item_of(order)) == order


def test_this_order_has_nothing_by_default() -> None:
    assert [field.name for field in fields(Order) if getattr(ORDER, field.name) == field.default] == []


@pytest.mark.parametrize("name", sorted(item_of(ORDER).keys() - {"reviewShard"}))
def test_an_attribute_that_cannot_be_read_is_named(name: str) -> None:
    with pytest.raises(Unreadable, match=name):
        order_of({**item_of(ORDER), name: {"SS": ["what this version does not know"]}})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("lines", {"L": []}, "lines are empty"),
        ("lines", {"L": [{"M": {}}]}, "sku is missing, not S|unitPrice is missing, not N"),
        ("lines", {"L": [{"S": "MUG-001"}]}, "lines is S, not M"),
        ("status", {"S": "UNHEARD_OF"}, "status is not one that is known here"),
        ("rejectionReason", {"S": "UNHEARD_OF"}, "rejectionReason is not one that is known here"),
        ("version", {"N": "1.5"}, "version is not a whole number"),
        ("acceptedAt", {"S": "yesterday"}, "acceptedAt is not a point in time"),
        ("acceptedAt", {"S": "2026-01-02T03:04:05.678"}, "acceptedAt is not a point in time"),
    ],
)
def test_the_log_says_why_an_order_cannot_be_read(name: str, value: dict[str, object], reason: str) -> None:
    with pytest.raises(Unreadable, match=f"^({reason})$"):
        order_of({**item_of(ORDER), name: value})


def test_an_order_stays_in_the_shard_that_its_id_tells() -> None:
    assert item_of(ORDER)["reviewShard"] == {"N": str(zlib.crc32(b"ord-1") % 4)}


def test_a_log_line_tells_an_order_by_its_key() -> None:
    assert log_key(item_of(ORDER)) == {"customerId": {"S": "customer"}, "orderId": {"S": "ord-1"}}


def test_a_change_writes_what_has_changed_and_removes_what_is_gone() -> None:
    changed = replace(ORDER, version=8, refund_due=False, review_at=None, refund_event_id=None)

    change = change_of(ORDER, changed)

    written, removed = re.fullmatch(r"SET (.+) REMOVE (.+)", change["UpdateExpression"]).groups()  # type: ignore[union-attr]
    assert written == "#version = :version"
    assert removed == "#refundDue, #refundEventId, #reviewAt, #reviewShard"
    assert change["ConditionExpression"] == "#version = :read"
    assert change["ExpressionAttributeValues"] == {":version": {"N": "8"}, ":read": {"N": "7"}}
    names = ("version", "refundDue", "refundEventId", "reviewAt", "reviewShard")
    assert change["ExpressionAttributeNames"] == {f"#{name}": name for name in names}
