"""Request units, as DynamoDB's documentation counts them."""

from typing import Any

import pytest

from tools.bench.cost.capacity import index_units, read_units, size_of, write_units

KB = 1024
TABLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "KeySchema": [{"AttributeName": "due", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["colour"]},
        }
    ],
}


def item(size: int = 0, **attributes: str) -> dict[str, Any]:
    filling = {"x": {"S": "x" * (size - 1)}} if size else {}
    return {name: {"S": value} for name, value in attributes.items()} | filling


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "0"}, 1),
        ({"N": "1000"}, 2),
        ({"N": "-12.34"}, 4),
        ({"BOOL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 3 + 2 * 1 + 3),
        ({"M": {"ab": {"S": "c"}}}, 3 + 1 + 3),
    ],
)
def test_an_item_is_as_large_as_its_names_and_values(value: dict[str, Any], size: int) -> None:
    assert size_of({"name": value}) == len("name") + size


def test_a_write_takes_a_unit_for_each_kilobyte_of_the_larger_item() -> None:
    assert write_units(None, item(KB)) == 1
    assert write_units(None, item(KB + 1)) == 2
    assert write_units(item(3 * KB), item(KB)) == 3
    assert write_units(None, None) == 1, "what is deleted and was not there"


def test_a_read_takes_a_unit_for_each_four_kilobytes_or_half_of_one() -> None:
    assert read_units([item(4 * KB)], consistent=True) == 1
    assert read_units([item(4 * KB)], consistent=False) == 0.5
    # A query's items are added up before.
    assert read_units([item(KB)] * 5, consistent=True) == 2
    assert read_units([], consistent=True) == 1


def test_an_index_takes_a_write_where_something_of_its_own_changes() -> None:
    due = item(id="1", due="today", colour="red", note="a")

    assert index_units(TABLE, None, due) == 1
    assert index_units(TABLE, due, {**due, "note": {"S": "b"}}) == 0, "which it does not have"
    assert index_units(TABLE, due, {**due, "colour": {"S": "blue"}}) == 1
    assert index_units(TABLE, due, {**due, "due": {"S": "tomorrow"}}) == 2, "deleted and put"
    assert index_units(TABLE, due, item(id="1", note="a")) == 1, "deleted"
    assert index_units(TABLE, None, item(id="1", note="a")) == 0, "never in it"
