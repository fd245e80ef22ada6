"""The body of an order: every mistake is named by its place, and never repeated."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.orders.request import check_idempotency_key, parse_order_request
from storefront.shared.errors import InvalidRequest
from tests.support.ids import shown

CANARY = "canary"
NUMBER = 987654321
LINE = {"sku": "MUG-001", "quantity": 1}


def detail_of(body: Any) -> str:
    """Return what is said about a body that is refused."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidRequest) as refusal:
        parse_order_request(raw)
    return refusal.value.detail


def order(*lines: Any, **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), **more}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "not valid JSON"),
        (b"canary", "not valid JSON"),
        (b'{"lines": [canary', "not valid JSON"),
        (b'{"lines": []} canary', "not valid JSON"),
        (b'\xff\xfe{"canary": 1}', "not valid JSON"),
        (b'{"lines": [{"sku": "\\ud800canary", "quantity": 1}]}', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"null", "the body: "),
        (b'"canary"', "the body: "),
        (b"987654321", "the body: "),
        ([LINE], "the body: "),
        ({}, "/lines: "),
        ({"canary": 1}, "/lines: "),
        ({"lines": None}, "/lines: "),
        ({"lines": CANARY}, "/lines: "),
        ({"lines": {CANARY: LINE}}, "/lines: "),
        (order(), "/lines: "),
        (order(*[LINE] * 51), "/lines: "),
        (order(LINE, canary=CANARY), "the body: "),
        (order(LINE, LINE | {CANARY: CANARY}), "/lines/1: "),
        (order(CANARY), "/lines/0: "),
        (order([CANARY]), "/lines/0: "),
        (order(LINE, None), "/lines/1: "),
        (order({"sku": "MUG-001"}), "/lines/0/quantity: "),
        (order({"quantity": 1}), "/lines/0/sku: "),
        *(
            (order(LINE | {"quantity": quantity}), "/lines/0/quantity: ")
            for quantity in (0, -NUMBER, 101, NUMBER, 1.5, 1.0, "1", CANARY, True, None, [], {CANARY: 1}, 10**400)
        ),
        (b'{"lines": [{"sku": "MUG-001", "quantity": 1e400}]}', "/lines/0/quantity: "),
        (b'{"lines": [{"sku": "MUG-001", "quantity": NaN}]}', "/lines/0/quantity: "),
        *(
            (order(LINE | {"sku": sku}), "/lines/0/sku: ")
            for sku in ("", "AB", "canary", "-CANARY", "CANARY" * 10, "MUG-001\n", "MÜG-001", NUMBER, None, [CANARY])
        ),
    ],
    ids=shown,
)
def test_a_mistake_is_named_by_its_place_and_not_repeated(body: Any, place: str) -> None:
    detail = detail_of(body)

    assert place in detail
    assert CANARY not in detail.lower()
    assert str(NUMBER) not in detail
    assert len(detail) < 300


def test_several_mistakes_are_named_and_many_are_counted() -> None:
    two = detail_of(order(LINE | {"quantity": 0}, {"sku": "MUG-001"}))
    many = detail_of(order(*[LINE | {"quantity": 0}] * 50))

    assert "/lines/0/quantity" in two
    assert "/lines/1/quantity" in two
    assert many.count("/quantity") == 5
    assert "and 45 more" in many


@pytest.mark.parametrize(("lines", "quantity"), [(1, 1), (1, 100), (50, 1), (5, 100), (50, 10)])
def test_an_order_at_its_limits_is_taken(lines: int, quantity: int) -> None:
    body = order(*({"sku": f"MUG-{number:03}", "quantity": quantity} for number in range(lines)))

    request = parse_order_request(json.dumps(body).encode())

    assert request.quantities == {f"MUG-{number:03}": quantity for number in range(lines)}


def test_lines_of_one_product_are_merged_in_the_order_of_their_first() -> None:
    body = order(LINE, {"sku": "CUP-001", "quantity": 2}, LINE | {"quantity": 99})

    request = parse_order_request(json.dumps(body).encode())

    assert list(request.quantities.items()) == [("MUG-001", 100), ("CUP-001", 2)]


@pytest.mark.parametrize("lines", [[100, 1], [50, 51], [100] * 49, [1, 1, 99]])
def test_the_limit_of_a_product_holds_for_all_its_lines_together(lines: list[int]) -> None:
    body = order({"sku": "CUP-001", "quantity": 1}, *({"sku": "MUG-001", "quantity": each} for each in lines))

    assert detail_of(body) == "/lines: at most 100 pieces of one product, over all lines."


@pytest.mark.parametrize("quantities", [[100] * 50, [100] * 5 + [1], [10] * 49 + [11]])
def test_the_limit_of_an_order_holds_for_all_its_products_together(quantities: list[int]) -> None:
    body = order(*({"sku": f"MUG-{number:03}", "quantity": each} for number, each in enumerate(quantities)))

    assert detail_of(body) == "/lines: at most 500 pieces in one order; place another order for the rest."


SKUS = st.from_regex(r"[A-Z0-9][A-Z0-9-]{2,31}", fullmatch=True)
LINES = st.lists(
    # Five lines of one product stay below its limit.
    st.fixed_dictionaries({"sku": SKUS, "quantity": st.integers(1, 20)}),
    min_size=1,
    max_size=5,
)


@given(lines=LINES, indent=st.sampled_from([None, 1, "\t"]), separator=st.sampled_from([":", " : "]))
def test_white_space_and_the_order_of_keys_do_not_make_another_order(
    lines: list[dict[str, Any]], indent: Any, separator: str
) -> None:
    turned = [dict(reversed(line.items())) for line in lines]

    plain = parse_order_request(json.dumps({"lines": lines}).encode())
    other = parse_order_request(json.dumps({"lines": turned}, indent=indent, separators=(",", separator)).encode())

    assert plain.hash == other.hash


@pytest.mark.parametrize(
    "other",
    [
        order(LINE | {"quantity": 2}),
        order(LINE | {"sku": "MUG-002"}),
        order(LINE, LINE),
        order(LINE, {"sku": "CUP-001", "quantity": 1}),
    ],
)
def test_other_content_is_another_order(other: dict[str, Any]) -> None:
    one = parse_order_request(json.dumps(order(LINE)).encode())

    assert one.hash != parse_order_request(json.dumps(other).encode()).hash


@pytest.mark.parametrize("key", ["a", "x" * 255, "3f0b5c1e-8f6d-4b0a-9b1e-0a5f2f9d4c11", "!~\"'\\{}"])
def test_an_idempotency_key_is_taken(key: str) -> None:
    assert check_idempotency_key(key) == key


@pytest.mark.parametrize("key", [None, "", " ", "canary canary", "canary\n", "canaré", "\x7fcanary", "canary" * 43])
def test_what_can_be_no_idempotency_key_is_refused(key: str | None) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key") as refusal:
        check_idempotency_key(key)

    assert CANARY not in refusal.value.detail
