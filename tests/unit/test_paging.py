"""Pages and cursors: what was not written by the shop opens nothing."""

import base64
import contextlib
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from storefront.shared.errors import InvalidRequest
from storefront.shared.paging import Cursors, Page, limit_of, to_json

CURSORS = Cursors(lambda: "a-key")
SCOPE = "products/kitchen"
CURSOR = CURSORS.write(SCOPE, {"sku": "MUG-001"})
ALPHABET = string.ascii_letters + string.digits + "-_"


def refused(cursor: str, scope: str = SCOPE, cursors: Cursors = CURSORS) -> None:
    with pytest.raises(InvalidRequest, match="nextCursor"):
        cursors.read(scope, cursor)


@given(
    scope=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    key=st.dictionaries(st.text(max_size=10), st.text(max_size=100), max_size=3),
)
def test_a_cursor_leads_back_to_its_key(scope: str, key: dict[str, str]) -> None:
    cursor = CURSORS.write(scope, key)

    assert CURSORS.read(scope, cursor) == key
    assert set(cursor) <= set(ALPHABET), "a query parameter without escapes"


@given(position=st.integers(0, len(CURSOR) - 1), character=st.sampled_from(ALPHABET + "+/=ü "))
def test_a_cursor_with_a_character_changed_is_refused(position: int, character: str) -> None:
    assume(CURSOR[position] != character)

    refused(CURSOR[:position] + character + CURSOR[position + 1 :])


@given(length=st.integers(0, len(CURSOR) - 1))
def test_a_cut_cursor_is_refused(length: int) -> None:
    refused(CURSOR[:length])


@given(position=st.integers(0, len(CURSOR)), addition=st.text(min_size=1, max_size=5))
@example(position=len(CURSOR), addition="=")
@example(position=len(CURSOR), addition="==")
@example(position=0, addition=" ")
@example(position=5, addition="\n")
def test_a_cursor_with_anything_put_in_is_refused(position: int, addition: str) -> None:
    refused(CURSOR[:position] + addition + CURSOR[position:])


@given(cursor=st.text(max_size=100))
@example(cursor="")
@example(cursor="\ud800")
@example(cursor="é" * 40)
@example(cursor="A" * 100_000)
@example(cursor=base64.urlsafe_b64encode(b'{"sku":"MUG-001"}').decode())
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    refused(cursor)


@pytest.mark.parametrize("size", range(3))
def test_a_cursor_has_one_spelling(size: int) -> None:
    # Base64 leaves up to four bits of the last character unused: other characters mean the same bytes.
    cursor = CURSORS.write(SCOPE, {"sku": "A" * size})

    for character in set(ALPHABET) - {cursor[-1]}:
        refused(cursor[:-1] + character)


@pytest.mark.parametrize("scope", ["products/", "products/kitche", "products/kitchen2", "orders/kitchen", ""])
def test_a_cursor_opens_its_own_list_only(scope: str) -> None:
    refused(CURSOR, scope=scope)


def test_the_boundary_between_scope_and_key_cannot_be_moved() -> None:
    # given a list whose name, with what follows, reads like another list's
    cursor = CURSORS.write("a", {"b": "c"})
    mac, payload = _decoded(cursor)[:16], _decoded(cursor)[16:]

    # when the first character of the payload is given to the scope
    moved = base64.urlsafe_b64encode(mac + payload[1:]).decode().rstrip("=")

    # then the code does not cover it
    refused(moved, scope="a{")


def test_a_cursor_under_another_key_is_refused() -> None:
    refused(CURSOR, cursors=Cursors(lambda: "a-rotated-key"))


def test_a_page_with_more_behind_it_carries_a_cursor_and_the_last_does_not() -> None:
    def render(item: str) -> dict[str, str]:
        return {"name": item}

    more = to_json(Page(["a"], {"sku": "a"}), render, CURSORS, SCOPE)
    last = to_json(Page(["b"], None), render, CURSORS, SCOPE)

    assert more["items"] == [{"name": "a"}]
    assert CURSORS.read(SCOPE, more["nextCursor"]) == {"sku": "a"}
    assert last == {"items": [{"name": "b"}]}


@pytest.mark.parametrize(
    ("query", "limit"), [({}, 20), ({"limit": "1"}, 1), ({"limit": "42"}, 42), ({"limit": "100"}, 100)]
)
def test_a_limit_is_taken(query: dict[str, str], limit: int) -> None:
    assert limit_of(query) == limit


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "0", "-1", "+5", "101", "1000", "1_0", " 5", "5 ", "5\n", "1e2", "1.0", "0x10", "ten", "null", "NaN",
        "٣", "５", "²", "00101", "00501", "0" * 100, "0001" + "0" * 5000, "9" * 5000, "1\x00",
    ],
)  # fmt: skip
def test_what_is_no_whole_number_from_1_to_100_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="from 1 to 100"):
        limit_of({"limit": text})


@given(text=st.text(max_size=8))
def test_no_limit_is_ever_out_of_range(text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert 1 <= limit_of({"limit": text}) <= 100


def _decoded(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
