"""Texts in a body: normalized where they can be shown, refused where they cannot."""

from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter

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
    with pytest.raises(ValueError, match="not a text that can be shown"):
        text.validate_python("a\nb")
