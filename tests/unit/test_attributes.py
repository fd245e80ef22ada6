"""DynamoDB's types: what is stored comes back equal, and as boto3 writes and reads it."""

from collections.abc import Callable
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from storefront.shared.attributes import Item, Unreadable, to_item

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
