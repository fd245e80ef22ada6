"""A charge succeeds only where the provider's answer says so, never by the absence of an error."""

import json
from typing import Any

import pytest
import requests

from storefront.orders.order import Order
from storefront.orders.status import Reason, Status
from storefront.payments.charge import Charge, Decision, PaymentUnresolved
from tests.unit.orders.shop import Shop

CHARGE = {"chargeId": "ch-1", "status": "approved"}
DEEP = b"[" * 100_000


def answer(shop: Shop, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
    """Let the provider give this answer to every call."""
    response = requests.Response()
    response.status_code = code
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.headers.update(headers or {})
    shop.payments._session.request = lambda *_, **__: response


@pytest.fixture
def order(shop: Shop) -> Order:
    return shop.orders.reserve(shop.place(shop.sell("MUG-001"), quantity=1))


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (302, b""),
        (307, {"chargeId": "ch-1", "status": "cancelled"}),
        (200, b"<html>Welcome</html>"),
        (200, b""),
        (200, DEEP),
        (200, []),
        (200, {}),
        (200, {"chargeId": "ch-1", "status": "approved"}),
        (200, {"chargeId": "ch-1", "status": ["cancelled"]}),
        (202, {"chargeId": "ch-1", "status": "cancelled"}),
        (204, b""),
        (404, {"error": "no charge"}),
        (500, {"chargeId": "ch-1", "status": "cancelled"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_debt_is_crossed_off_only_when_the_provider_says_cancelled(
    shop: Shop, order: Order, code: int, body: Any
) -> None:
    owed = shop.orders.reject(order, Reason.PAYMENT_UNAVAILABLE, refund_due=True)
    answer(shop, code, body, {"Location": "https://elsewhere.example/"})

    with pytest.raises(PaymentUnresolved):
        shop.process(owed.key)

    assert shop.read(owed.key).refund_due


CONTRADICTIONS = [
    {"chargeId": 7, "status": "approved"},
    {"chargeId": 1.5, "status": "approved"},
    {"chargeId": None, "status": "approved"},
    {"chargeId": "", "status": "approved"},
    {"chargeId": "a b", "status": "approved"},
    {"chargeId": "ch-1\n", "status": "approved"},
    {"chargeId": ["ch-1"], "status": "approved"},
    {"chargeId": "ch-1", "status": ["approved"]},
    {"chargeId": "ch-1", "status": {}},
    {"chargeId": "ch-1", "status": None},
    {"chargeId": "ch-1", "status": "unheard-of"},
    {"status": "approved"},
    {"chargeId": "ch-1"},
]


@pytest.mark.parametrize(
    "body", [*CONTRADICTIONS, [], "approved", None, DEEP], ids=lambda body: ascii(str(body)[:40]).replace("\\", "")
)
def test_an_answer_whose_parts_make_no_charge_is_unresolved(shop: Shop, order: Order, body: Any) -> None:
    answer(shop, 200, body)

    with pytest.raises(PaymentUnresolved):
        shop.payments.charge(order)
    with pytest.raises(PaymentUnresolved):
        shop.payments.look_up(order)
    with pytest.raises(PaymentUnresolved):
        shop.process(order.key)

    assert shop.status(order) is Status.RESERVED


@pytest.mark.parametrize(
    ("code", "status"),
    [(402, "approved"), (402, "pending"), (202, "approved"), (302, "approved"), (404, "approved"), (500, "declined")],
)
def test_a_code_that_contradicts_the_body_is_unresolved(shop: Shop, order: Order, code: int, status: str) -> None:
    answer(shop, code, CHARGE | {"status": status})

    with pytest.raises(PaymentUnresolved):
        shop.payments.charge(order)
    with pytest.raises(PaymentUnresolved):
        shop.payments.look_up(order)


def test_a_page_that_says_404_does_not_say_that_there_is_no_charge(shop: Shop, order: Order) -> None:
    answer(shop, 404, b"<html>Not Found</html>")

    with pytest.raises(PaymentUnresolved):
        shop.payments.look_up(order)


def test_an_answer_about_another_charge_is_unresolved(shop: Shop, order: Order) -> None:
    awaiting = shop.orders.await_payment(order, "ch-own")
    answer(shop, 200, CHARGE)

    with pytest.raises(PaymentUnresolved):
        shop.payments.look_up(awaiting)


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ("approved", Decision.APPROVED),
        ("declined", Decision.DECLINED),
        ("cancelled", Decision.DECLINED),
        ("pending", Decision.UNDECIDED),
    ],
)
def test_a_look_up_that_is_answered_is_believed(shop: Shop, order: Order, status: str, decision: Decision) -> None:
    answer(shop, 200, CHARGE | {"status": status})

    assert shop.payments.look_up(order) == Charge("ch-1", decision)
