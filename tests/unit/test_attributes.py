"""DynamoDB's types: what is stored comes back equal, and as boto3 writes and reads it."""

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from storefront.shared.attributes import from_item, to_item

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


def test_what_is_stored_comes_back_equal() -> None:
    found = from_item(to_item(VALUES))

    assert found == VALUES
    # In Python a truth value equals a number.
    assert {name: type(value) for name, value in found.items()} == {name: type(value) for name, value in VALUES.items()}


@pytest.mark.parametrize("name", VALUES)
def test_it_is_written_and_read_as_boto3_does(name: str) -> None:
    item = to_item({name: VALUES[name]})

    assert item == {name: TypeSerializer().serialize(VALUES[name])}
    assert from_item({name: TypeSerializer().serialize(VALUES[name])}) == {
        name: TypeDeserializer().deserialize(item[name])
    }


@pytest.mark.parametrize("value", [1.5, None, {1, 2}, ("a",), object()], ids=lambda value: type(value).__name__)
def test_what_is_not_stored_here_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=f"nothing of type {type(value).__name__} is stored"):
        to_item({"value": value})


@pytest.mark.parametrize(
    "attribute", [{"NULL": True}, {"SS": ["a"]}, {"NS": ["1"]}, {"BS": [b"a"]}], ids=lambda a: next(iter(a))
)
def test_an_attribute_of_another_type_is_refused(attribute: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"nothing of type {next(iter(attribute))} is stored"):
        from_item({"value": attribute})


def test_a_number_with_a_fraction_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        from_item({"value": {"N": "1.5"}})
