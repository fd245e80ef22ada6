"""The request units that DynamoDB charges for a call ("DynamoDB item sizes and formats", "DynamoDB read and write
operations" and "Using Global Secondary Indexes in DynamoDB", Amazon DynamoDB Developer Guide): moto counts otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]

_WRITE_UNIT = 1024
_READ_UNIT = 4096
# The bytes of a list or a map itself, and of each of its elements.
_COLLECTION, _ELEMENT = 3, 1


def size_of(item: Item) -> int:
    """Return an item's size in bytes, names included."""
    return sum(len(name.encode()) + _size_of_value(value) for name, value in item.items())


def read_units(items: Sequence[Item], *, consistent: bool) -> float:
    """Return what a query takes that reads these items; an item read by its key is a query for one."""
    units = max(1, math.ceil(sum(map(size_of, items)) / _READ_UNIT))
    return units if consistent else units / 2


def write_units(before: Item | None, after: Item | None) -> int:
    """Return what a write takes in its table: the larger of both items counts, and one that is not there is small."""
    return max(1, math.ceil(max(size_of(before or {}), size_of(after or {})) / _WRITE_UNIT))


def index_units(table: Mapping[str, Any], before: Item | None, after: Item | None) -> int:
    """Return what a write takes in the indexes of its table, which is as ``DescribeTable`` tells of it."""
    table_key = _names(table["KeySchema"])
    return sum(
        _units_in(index, _entry(index, table_key, before), _entry(index, table_key, after))
        for index in table.get("GlobalSecondaryIndexes", ())
    )


def _units_in(index: Mapping[str, Any], before: Item | None, after: Item | None) -> int:
    """An entry that stays as it is takes nothing; one whose key changes is deleted and put."""
    if before == after:
        return 0
    moved = before and after and any(before[name] != after[name] for name in _names(index["KeySchema"]))
    return write_units(before, None) + write_units(None, after) if moved else write_units(before, after)


def _entry(index: Mapping[str, Any], table_key: set[str], item: Item | None) -> Item | None:
    """The part of an item that an index holds: none where the item lacks an attribute of the index's key."""
    key = _names(index["KeySchema"])
    if item is None or not key <= item.keys():
        return None
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    projected = key | table_key | set(projection.get("NonKeyAttributes", ()))
    return {name: value for name, value in item.items() if name in projected}


def _names(schema: Sequence[Mapping[str, str]]) -> set[str]:
    return {part["AttributeName"] for part in schema}


def _size_of_value(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind not in _SIZES:
        raise ValueError(f"the size of {kind} is not known here: add it")
    return _SIZES[kind](content)


def _size_of_number(text: str) -> int:
    """About a byte for two digits that count, one more, and one more for a sign."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + text.startswith("-")


_SIZES: Mapping[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "N": _size_of_number,
    "B": len,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
    "L": lambda elements: _COLLECTION + sum(_ELEMENT + _size_of_value(element) for element in elements),
    "M": lambda members: _COLLECTION + _ELEMENT * len(members) + size_of(members),
}
