"""DynamoDB's types: what is stored comes back equal, and as boto3 writes and reads it."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from storefront.shared.attributes import Item, Unreadable, readable, to_item
from storefront.shared.observability import metrics

VALUES: dict[str, Any] = {
    "text": "Teekännchen",
    "empty": "",
    "number": 4450,
    "zero": 0,
    "negative": -1,
    "large": 10**37,
    "yes": True,
    "no": False,
    "bytes": b"\x00\xff",
    "list": ["a", 1, [True], {}],
    "map": {"inner": {"list": [{"sku": "MUG-001", "quantity": 2}]}},
}


READERS: dict[str, Callable[[Item, str], Any]] = {
    "text": Item.text,
    "empty": Item.text,
    "number": Item.number,
    "zero": Item.number,
    "negative": Item.number,
    "large": Item.number,
    "yes": Item.flag,
    "no": Item.flag,
    "bytes": Item.binary,
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_stored_comes_back_equal(name: str) -> None:
    found = READERS[name](Item(to_item(VALUES)), name)

    assert found == VALUES[name]
    # In Python a truth value equals a number.
    assert type(found) is type(VALUES[name])


def test_lists_and_maps_come_back_equal() -> None:
    item = Item(to_item(VALUES)).item("map").item("inner")

    (line,) = item.items("list")
    assert (line.text("sku"), line.number("quantity")) == ("MUG-001", 2)


@pytest.mark.parametrize("name", VALUES)
def test_it_is_written_as_boto3_does(name: str) -> None:
    assert to_item({name: VALUES[name]}) == {name: TypeSerializer().serialize(VALUES[name])}


@pytest.mark.parametrize("value", [1.5, None, {1, 2}, ("a",), object()], ids=lambda value: type(value).__name__)
def test_what_is_not_stored_here_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=f"a {type(value).__name__} cannot be stored"):
        to_item({"value": value})


@pytest.mark.parametrize(
    "attribute",
    [{"NULL": True}, {"SS": ["a"]}, {"NS": ["1"]}, {"BS": [b"a"]}, {"N": "1.5"}, {}],
    ids=str,
)
@pytest.mark.parametrize("read", [Item.text, Item.number, Item.flag, Item.binary, Item.time, Item.items, Item.item])
def test_an_attribute_of_another_type_is_unreadable(read: Callable[[Item, str], Any], attribute: Any) -> None:
    with pytest.raises(Unreadable, match="value"):
        read(Item({"value": attribute}), "value")


@pytest.mark.parametrize("read", [Item.optional_text, Item.optional_time])
@pytest.mark.parametrize("item", [{}, {"value": {"NULL": True}}], ids=["missing", "NULL"])
def test_what_is_optional_may_be_missing_or_null(read: Callable[[Item, str], Any], item: Any) -> None:
    assert read(Item(item), "value") is None


def test_an_item_that_cannot_be_read_is_skipped_told_and_counted(log: io.StringIO) -> None:
    items: list[Any] = [
        {"id": {"S": "1"}, "stock": {"N": "5"}},
        {"id": {"S": "2"}},
        {"id": {"S": "3"}, "stock": {"N": "7"}},
    ]

    found = readable(items, lambda item: Item(item).number("stock"), lambda item: item["id"])

    assert found == [5, 7]
    line = json.loads(log.getvalue())
    assert (line["message"], line["key"], line["reason"]) == (
        "item not readable",
        {"S": "2"},
        "stock is missing, not N",
    )
    assert metrics.metric_set["ItemsNotReadable"]["Value"] == [1.0]
    metrics.clear_metrics()


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [({"S": "x"}, "value is S, not N"), ({"S": "x", "B": b""}, "value is S/B, not N"), ({}, "value is missing, not N")],
)
def test_the_log_tells_what_is_there_instead(attribute: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        Item({"value": attribute}).number("value")


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05", "2026-01-02", "now", ""])
def test_a_time_without_its_zone_is_none(text: str) -> None:
    with pytest.raises(Unreadable, match=r"^value is not a point in time$"):
        Item({"value": {"S": text}}).time("value")
