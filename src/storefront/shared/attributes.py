"""Values as DynamoDB writes them: its types, as far as this application stores values of them.

boto3 has more of them, and would have to be imported for it.
"""

from collections.abc import Mapping
from typing import Any

Attribute = Mapping[str, Any]


def to_item(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return values, by their names, as an item.

    Raises
    ------
    TypeError
        A value is of a type that is not stored here.
    """
    return {name: _to_attribute(value) for name, value in values.items()}


def from_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """Return the values of an item, by their names.

    Raises
    ------
    TypeError
        An attribute is of a type that is not stored here.
    """
    return {name: _from_attribute(attribute) for name, attribute in item.items()}


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
    raise TypeError(f"nothing of type {type(value).__name__} is stored")


def _from_attribute(attribute: Attribute) -> Any:
    match attribute:
        case {"S": value} | {"BOOL": value} | {"B": value}:
            return value
        case {"N": number}:
            return int(number)
        case {"L": elements}:
            return [_from_attribute(element) for element in elements]
        case {"M": members}:
            return from_item(members)
    raise TypeError(f"nothing of type {'/'.join(attribute)} is stored")
