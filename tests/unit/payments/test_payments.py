"""The payment provider's client against every behaviour of the sandbox, over HTTP."""

import json
from typing import Any

import pytest
import requests

from payments.behaviour import BEHAVIOURS, behaviour_of
from storefront.orders.order import Order
from storefront.orders.status import Status
from storefront.payments.charge import Decision, PaymentUnresolved
from storefront.payments.provider import MAX_PAUSE_SECONDS, PaymentProvider, ProviderRefusedUs
from storefront.shared.http import session
from tests.unit.orders.shop import Shop
from tools.testing.aws import PAYMENTS_SECRET

OUTCOMES = {
    1: Status.REJECTED,
    2: Status.CONFIRMED,
    3: Status.CONFIRMED,
    4: None,
    5: Status.CONFIRMED,
    6: Status.AWAITING_PAYMENT,
    7: Status.AWAITING_PAYMENT,
}


def order_for(shop: Shop, cents: int) -> Order:
    return shop.place(shop.sell(f"PAY-{cents:02}", price=1000 + cents), quantity=1)


@pytest.mark.parametrize("cents", BEHAVIOURS, ids=lambda cents: BEHAVIOURS[cents].sku)
def test_every_row_of_the_sandbox_ends_as_its_table_says(shop: Shop, cents: int) -> None:
    order = order_for(shop, cents)

    try:
        shop.process(order.key)
    except PaymentUnresolved:
        assert OUTCOMES[cents] is None
    else:
        assert shop.status(order) is OUTCOMES[cents]

    assert str(OUTCOMES[cents] or Status.RESERVED) in BEHAVIOURS[cents].outcome
    shop.check_invariant()


@pytest.mark.parametrize("amount", [100, 1000, 1050, 99999950])
def test_ordinary_amounts_are_approved(amount: int) -> None:
    assert behaviour_of(amount) is behaviour_of(0)
    assert behaviour_of(amount).status == "approved"


def test_a_charge_is_made_once_however_often_it_is_asked_for(shop: Shop) -> None:
    order = order_for(shop, 0)

    charges = {shop.payments.charge(order) for _ in range(3)}

    assert len(charges) == 1


def test_a_cancelled_charge_is_refunded_and_never_made_again(shop: Shop) -> None:
    order = order_for(shop, 0)
    shop.payments.charge(order)

    shop.payments.cancel(order)
    shop.payments.cancel(order)

    assert shop.payments.look_up(order).decision is Decision.DECLINED
    assert shop.payments.charge(order).decision is Decision.DECLINED
    assert shop.aws.charges()[order.key.order_id][0] == "cancelled"


@pytest.mark.parametrize("cents", [0, 2, 4, 5])
def test_a_charge_cancelled_before_it_is_made_never_is(shop: Shop, cents: int) -> None:
    order = order_for(shop, cents)

    shop.payments.cancel(order)

    assert shop.payments.charge(order).decision is Decision.DECLINED


def test_a_provider_that_is_not_there_is_unresolved(shop: Shop) -> None:
    nobody = PaymentProvider(lambda: "http://127.0.0.1:9/", lambda: "secret-canary")

    with pytest.raises(PaymentUnresolved) as failure:
        nobody.charge(order_for(shop, 0))

    assert "canary" not in repr(failure.value)


def test_a_retry_waits_a_moment_of_its_own(shop: Shop) -> None:
    retry = shop.payments._session.get_adapter("https://provider.example").max_retries

    pauses = {retry.get_backoff_time() for _ in range(20)}

    assert len(pauses) == 20
    assert all(0 < pause <= MAX_PAUSE_SECONDS for pause in pauses)


def test_an_answer_that_cannot_be_read_is_looked_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a provider that charges and garbles its answer
    order = order_for(shop, 0)
    original = shop.payments._call
    garbled = requests.Response()
    garbled.status_code, garbled._content = 200, b"<html>"

    def call(method: str, *args: Any, **kwargs: Any) -> requests.Response:
        answer = original(method, *args, **kwargs)
        return garbled if method == "POST" else answer

    monkeypatch.setattr(shop.payments, "_call", call)

    assert shop.payments.charge(order).decision is Decision.APPROVED


def test_a_wrong_secret_is_our_fault_and_charges_nothing(shop: Shop) -> None:
    impostor = PaymentProvider(lambda: shop.payments_url, lambda: "not the secret")

    with pytest.raises(ProviderRefusedUs):
        impostor.charge(order_for(shop, 0))

    assert shop.aws.charges() == {}


AUTHORIZED = {"Authorization": f"Bearer {PAYMENTS_SECRET}", "Idempotency-Key": "ord-1"}
CHARGE = {"amount": 100, "currency": "EUR"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "charges", {}, CHARGE, 401),
        ("POST", "charges", {"Authorization": "Bearer "}, CHARGE, 401),
        ("POST", "charges", {"Authorization": PAYMENTS_SECRET}, CHARGE, 401),
        ("POST", "charges", {"Authorization": f"Bearer {PAYMENTS_SECRET}x"}, CHARGE, 401),
        ("GET", "charges/ord-1", {}, None, 401),
        ("POST", "charges/ord-1/cancel", {}, None, 401),
        ("POST", "charges", AUTHORIZED, {"amount": -5}, 400),
        ("POST", "charges", AUTHORIZED, {"amount": True}, 400),
        ("POST", "charges", AUTHORIZED, {"amount": 1.5}, 400),
        ("POST", "charges", AUTHORIZED, [], 400),
        ("POST", "charges", AUTHORIZED, None, 400),
        ("POST", "charges", AUTHORIZED | {"Idempotency-Key": "a b"}, CHARGE, 400),
        ("GET", "charges/ord-none", AUTHORIZED, None, 404),
        ("GET", "anything", AUTHORIZED, None, 404),
    ],
)
def test_the_sandbox_refuses_what_is_not_for_it(
    shop: Shop, method: str, path: str, headers: dict[str, str], body: Any, status: int
) -> None:
    data = json.dumps(body) if body is not None else None

    response = session().request(method, shop.payments_url + path, headers=headers, data=data, timeout=5)

    assert response.status_code == status
    assert PAYMENTS_SECRET not in response.text
    assert shop.aws.charges() == {}
