"""Values as DynamoDB writes them: its types, as far as this application stores values of them.

boto3 has more of them, and would have to be imported for it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from storefront.shared import clock
from storefront.shared.observability import MetricUnit, logger, metrics

Attribute = Mapping[str, Any]
Value = TypeVar("Value")


class Unreadable(Exception):
    """An item that does not hold what this version of the code reads of it."""


class Item:
    """An item as it is read: only what is asked for is decoded, and its type is checked.

    Another version may have written attributes of any type beside it. Each method raises `Unreadable` if the attribute
    is missing or of another type. Optional attributes may be missing or `NULL`.
    """

    def __init__(self, attributes: Mapping[str, Attribute]) -> None:
        self._attributes = attributes

    def has(self, name: str) -> bool:
        """Tell whether there is an attribute, and not `NULL`."""
        return name in self._attributes and "NULL" not in self._attributes[name]

    def text(self, name: str) -> str:
        """Return a text."""
        return str(self._value(name, "S"))

    def optional_text(self, name: str) -> str | None:
        """Return a text, `None` where there is none."""
        return self.text(name) if self.has(name) else None

    def number(self, name: str) -> int:
        """Return a whole number."""
        try:
            return int(self._value(name, "N"))
        except ValueError:
            raise Unreadable(f"{name} is not a whole number") from None

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        return bool(self._value(name, "BOOL"))

    def binary(self, name: str) -> bytes:
        """Return bytes."""
        return bytes(self._value(name, "B"))

    def time(self, name: str) -> datetime:
        """Return a point in time."""
        try:
            time = clock.from_text(self.text(name))
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            raise Unreadable(f"{name} is not a point in time")
        return time

    def optional_time(self, name: str) -> datetime | None:
        """Return a point in time, `None` where there is none."""
        return self.time(name) if self.has(name) else None

    def items(self, name: str) -> "list[Item]":
        """Return a list of maps."""
        return [Item({name: element}).item(name) for element in self._value(name, "L")]

    def item(self, name: str) -> "Item":
        """Return a map."""
        return Item(self._value(name, "M"))

    def _value(self, name: str, kind: str) -> Any:
        attribute = self._attributes.get(name, {})
        if kind not in attribute:
            raise Unreadable(f"{name} is {'/'.join(attribute) or 'missing'}, not {kind}")
        return attribute[kind]


def readable(
    items: Iterable[Mapping[str, Attribute]],
    read: Callable[[Mapping[str, Attribute]], Value],
    key: Callable[[Mapping[str, Attribute]], object],
) -> list[Value]:
    """Return what can be read of some items: one that cannot must not take the others with it.

    Parameters
    ----------
    items
        The items.
    read
        Reads one, or raises `Unreadable`.
    key
        Tells the log which one it is.
    """
    found: list[Value] = []
    for item in items:
        try:
            found.append(read(item))
        except Unreadable as error:
            count_unreadable(key(item), error)
    return found


def count_unreadable(key: object, error: Unreadable) -> None:
    """Log and count an item that is skipped."""
    logger.error("item not readable", extra={"key": key, "reason": str(error)})
    metrics.add_metric("ItemsNotReadable", MetricUnit.Count, 1)


def to_item(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return values, by their names, as an item.

    Raises
    ------
    TypeError
        A value is of a type that is not stored here.
    """
    return {name: _to_attribute(value) for name, value in values.items()}


def _to_attribute(value: object) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        # Before numbers: in Python a truth value is one.
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case list():
            return {"L": [_to_attribute(element) for element in value]}
        case dict():
            return {"M": to_item(value)}
    raise TypeError(f"a {type(value).__name__} cannot be stored")
