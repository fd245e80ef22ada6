"""One item that cannot be read takes nothing else with it, and what is not read may be of any type."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest

from storefront.catalog import list_products
from storefront.catalog.store import ProductStore
from storefront.chat.message_store import MessageStore
from storefront.chat.room_store import RoomStore
from storefront.orders import list_orders, publish_order_events, reconcile_orders
from storefront.orders.order import Order
from storefront.orders.order_item import order_of
from storefront.shared import clock
from storefront.shared.attributes import Unreadable
from tests.unit.orders.shop import Shop
from tools.testing.chat import Client
from tools.testing.events import Context, rest_event

FOREIGN: dict[str, Any] = {
    "NULL": {"NULL": True},
    "set": {"SS": ["a"]},
    "numbers": {"NS": ["1"]},
    "decimal": {"N": "1.5"},
    "bytes": {"B": b"\x00"},
    "list": {"L": [{"NULL": True}]},
    "map": {"M": {"inner": {"SS": ["a"]}}},
    "flag": {"BOOL": True},
}
each_type = pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)


def spoil(shop: Shop, order: Order, name: str, value: Any) -> None:
    """Let another version write an attribute of an order."""
    shop.aws.dynamodb.update_item(
        TableName="OrdersTable",
        Key={"customerId": {"S": order.key.customer_id}, "orderId": {"S": order.key.order_id}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": value},
    )


def listed(handler: Any, **parts: Any) -> list[Any]:
    answer = handler(rest_event(**parts), Context())
    assert answer["statusCode"] == 200, answer["body"]
    items: list[Any] = json.loads(answer["body"])["items"]
    return items


@each_type
def test_an_attribute_that_is_not_read_may_be_of_any_type(shop: Shop, foreign: Any) -> None:
    order = shop.place(shop.sell("MUG-001"))
    spoil(shop, order, "fromTheNextRelease", foreign)
    shop.aws.dynamodb.update_item(
        TableName="ProductsTable",
        Key={"sku": {"S": "MUG-001"}},
        UpdateExpression="SET fromTheNextRelease = :value",
        ExpressionAttributeValues={":value": foreign},
    )

    assert shop.read(order.key) == order
    assert ProductStore(shop.aws.dynamodb, "ProductsTable").get("MUG-001").sku == "MUG-001"


@each_type
@pytest.mark.parametrize("name", ["correlationId", "lines", "version", "rejectionReason", "refundDue"])
def test_an_order_of_another_type_is_skipped_and_counted(
    shop: Shop, name: str, foreign: Any, capsys: pytest.CaptureFixture[str], log: io.StringIO
) -> None:
    bad, good = (shop.place(shop.sell(f"MUG-{key}"), key=key) for key in ("BAD", "GOOD"))
    spoil(shop, bad, name, foreign)
    readable = True
    try:
        shop.read(bad.key)
    except Unreadable:
        readable = False

    shown = listed(list_orders.handler, customer="customer")

    assert [item["orderId"] for item in shown if item["orderId"] == good.key.order_id]
    assert len(shown) == 1 + readable
    if not readable:
        assert '"ItemsNotReadable":[1.0]' in capsys.readouterr().out.replace(" ", "")
        (line,) = [json.loads(text) for text in log.getvalue().splitlines() if "item not readable" in text]
        assert line["key"]["orderId"] == {"S": bad.key.order_id}
        assert name in line["reason"]


def test_the_reconciler_reaches_what_is_due_behind_an_order_it_cannot_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = [shop.place(shop.sell(f"MUG-{number:03}"), key=str(number)) for number in range(6)]
    for bad in orders[:3]:
        spoil(shop, bad, "correlationId", {"NULL": True})
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))

    assert reconcile_orders.handler({}, Context()) == {"reviewed": 3, "failed": 0}
    assert '"ItemsNotReadable":[1.0,1.0,1.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_review_that_can_neither_be_made_nor_deferred_does_not_end_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shop.place(shop.sell(f"MUG-{number:03}"), key=str(number))
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))

    def fail(*_: Any) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(reconcile_orders, "reconcile_order", fail)
    monkeypatch.setattr(reconcile_orders, "defer_review", fail)

    assert reconcile_orders.handler({}, Context()) == {"reviewed": 0, "failed": 3}


def test_an_order_that_was_mended_has_its_events(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    order = shop.place(shop.sell("MUG-001"))
    before = shop.aws.orders()[0] | {"correlationId": {"NULL": True}}
    shop.process(order.key)
    published: list[Any] = []
    monkeypatch.setattr(publish_order_events._bus, "publish", published.extend)
    change = {"SequenceNumber": "1", "Keys": {}, "OldImage": before, "NewImage": shop.aws.orders()[0]}

    publish_order_events.handler({"Records": [{"dynamodb": change}]}, Context())

    assert [event.type for event in published] == ["OrderConfirmed"]


@pytest.mark.parametrize(
    "change",
    [
        {"lines": {"L": []}},
        {"lines": {"L": [{"S": "MUG"}]}},
        {"acceptedAt": {"S": "yesterday"}},
        {"acceptedAt": {"S": "2026-11-20T12:00:00"}},
        {"status": {"S": "SHIPPED"}},
        {"rejectionReason": {"S": "UNHEARD_OF"}},
        {"version": {"S": "1"}},
        {"currency": {"N": "1"}},
    ],
    ids=str,
)
def test_what_makes_no_order_is_unreadable(shop: Shop, change: Any) -> None:
    shop.place(shop.sell("MUG-001"))

    with pytest.raises(Unreadable):
        order_of(shop.aws.orders()[0] | change)


@each_type
@pytest.mark.parametrize("name", ["price", "name"])
def test_one_product_that_cannot_be_read_empties_no_shop(shop: Shop, name: str, foreign: Any) -> None:
    for sku in ("MUG-001", "MUG-002"):
        shop.sell(sku)
    shop.aws.dynamodb.update_item(
        TableName="ProductsTable",
        Key={"sku": {"S": "MUG-001"}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": foreign},
    )

    assert [item["sku"] for item in listed(list_products.handler)] == ["MUG-002"]


def test_one_row_of_a_room_that_cannot_be_read_silences_nobody(chat: Any) -> None:
    chat.spoil_room()

    assert len(chat.history()) == 1
    assert len(chat.members()) == 1


class _Room:
    """A room with rows of another version in it."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def put(self, sk: str, **values: Any) -> None:
        later = str(int(clock.now().timestamp()) + 600)
        key = {"pk": {"S": "room#support"}, "sk": {"S": sk}, "expiresAt": {"N": later}}
        self._dynamodb.put_item(TableName=self._table, Item=key | values)

    def spoil_room(self) -> None:
        texts = ("senderId", "name", "group", "text", "clientId")
        good: Any = {name: {"S": "a"} for name in texts} | {"sentAt": {"S": clock.to_text(clock.now())}}
        self.put("message#1", **good)
        self.put("message#2", **good | {"text": {"NULL": True}})
        self.put("member#one")
        self.put("member#two", expiresAt={"N": "9999999999.5"})

    def history(self) -> list[Any]:
        messages, _ = MessageStore(self._dynamodb, self._table).history(
            Client("one").connection, "support", 20, None, clock.now()
        )
        return messages

    def members(self) -> list[Any]:
        return [
            each for page in RoomStore(self._dynamodb, self._table).members("support", clock.now()) for each in page
        ]


@pytest.fixture
def chat(shop: Shop) -> _Room:
    return _Room(shop.aws.dynamodb, "ChatTable")
