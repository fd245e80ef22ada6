"""Texts in a body: normalized where they can be shown, refused where they cannot."""

import codecs
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

from storefront.shared.body import parse, readable
from storefront.shared.errors import InvalidRequest


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("12345", "12345"),
        ("a", "a"),
        ("1234e\u0301", "1234é"),
        ("a\r\nb", "a\nb"),
        ("a\nb", "a\nb"),
    ],
)
def test_a_text_that_can_be_shown_is_taken_and_normalized(sent: str, stored: str) -> None:
    text = TypeAdapter(Annotated[str, readable(5, breaks="\n")])

    assert text.validate_python(sent) == stored


@pytest.mark.parametrize("sent", ["", " ", "123456", "a\rb", "a\tb", "a\x1bb", "\u3164"])
def test_a_text_that_cannot_be_shown_is_refused_by_the_rule_of_its_member(sent: str) -> None:
    class Body(BaseModel):
        note: Annotated[str, readable(5, breaks="\n")]

    with pytest.raises(InvalidRequest, match=r"^/note: the rule\.$"):
        parse(Body, Body.model_construct(note=sent).model_dump_json().encode(), {"note": "the rule"})


def test_a_text_may_be_blank_where_its_rule_says_so_and_has_no_breaks_unless_it_does() -> None:
    text = TypeAdapter(Annotated[str, readable(5, may_be_blank=True)])

    assert text.validate_python("") == ""
    with pytest.raises(ValueError, match=r"\n  not a text that can be shown \["):
        text.validate_python("a\nb")


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    pieces: list[int]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "The body is not valid JSON."),
        (b"[]", "the body: Input should be an object."),
        (b"{}", "/pieces: Field required."),
        (b'{"pieces": [1, "2"]}', "/pieces/1: Input should be a valid integer."),
        (b'{"pieces": [], "canary": 1}', "the body: a member that is not known here; leave it out."),
        (b'{"pieces": ["1", "2"]}', "; ".join(f"/pieces/{at}: Input should be a valid integer" for at in (0, 1)) + "."),
        (
            b'{"pieces": ["1", "2", "3", "4", "5"]}',
            "; ".join(f"/pieces/{at}: Input should be a valid integer" for at in range(5)) + ".",
        ),
        (
            b'{"pieces": ["1", "2", "3", "4", "5", "6", "7"]}',
            "; ".join(f"/pieces/{at}: Input should be a valid integer" for at in range(5)) + "; and 2 more.",
        ),
    ],
)
def test_a_refusal_says_where_and_why_without_the_input(body: bytes, detail: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(Order, body, {})

    assert refused.value.detail == detail
    assert refused.value.__suppress_context__, "a traceback would log the input"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_a_byte_order_mark_in_front_is_passed_over(mark: bytes) -> None:
    assert parse(Order, mark + b'{"pieces": [1]}', {}) == Order(pieces=[1])


def test_a_byte_order_mark_behind_is_not_json() -> None:
    with pytest.raises(InvalidRequest):
        parse(Order, b'{"pieces": [1]}' + codecs.BOM_UTF8, {})
