"""Processing orders: every outcome, every crash, every meeting of two."""

from collections.abc import Callable

import boto3
import pytest

from storefront.orders.order import Order, OrderKey
from storefront.orders.processing import UnknownOrder
from storefront.orders.status import Reason, Status
from storefront.payments.charge import PaymentUnresolved
from tests.support.faults import Crash, crash, every_position
from tests.unit.orders.shop import Shop

BEFORE_AND_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])


def test_an_order_is_reserved_charged_and_confirmed(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001", stock=5), quantity=2)

    processed = shop.process(order.key)

    assert processed.status is Status.CONFIRMED
    assert shop.read(order.key) == processed
    assert shop.aws.stock("MUG-001") == 3
    shop.check_invariant()


def test_an_order_takes_three_calls_besides_the_charge(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001"))
    calls: list[str] = []
    watched = boto3.client("dynamodb")
    watched.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))

    Shop(shop.aws, shop.payments_url, dynamodb=watched).process(order.key)

    assert calls == ["GetItem", "TransactWriteItems", "UpdateItem"]


def test_an_order_for_more_than_there_is_takes_nothing(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001", stock=1), quantity=2)

    processed = shop.process(order.key)

    assert (processed.status, processed.rejection_reason) == (Status.REJECTED, Reason.OUT_OF_STOCK)
    assert shop.aws.charges() == {}
    shop.check_invariant()


def test_a_declined_charge_gives_the_stock_back(shop: Shop) -> None:
    order = shop.place(shop.sell("PAY-DECLINED", price=1001), quantity=1)

    processed = shop.process(order.key)

    assert (processed.status, processed.rejection_reason) == (Status.REJECTED, Reason.PAYMENT_DECLINED)
    assert shop.aws.stock("PAY-DECLINED") == shop.products["PAY-DECLINED"]
    shop.check_invariant()


def test_a_provider_that_fails_for_ever_leaves_the_order_reserved(shop: Shop) -> None:
    order = shop.place(shop.sell("PAY-FAILS", price=1004), quantity=1)

    for _ in range(5):
        with pytest.raises(PaymentUnresolved):
            shop.process(order.key)

    assert shop.status(order) is Status.RESERVED
    shop.check_invariant()


def test_an_order_that_was_begun_before_is_looked_up_before_it_is_charged(shop: Shop) -> None:
    # Given a charge whose order was not confirmed, and a provider that has forgotten the idempotency key
    order = shop.orders.reserve(shop.place(shop.sell("MUG-001")))
    shop.payments.charge(order)
    shop.payments.charge = pytest.fail

    assert shop.process(order.key).status is Status.CONFIRMED


def test_a_refund_that_is_due_is_made_by_whoever_comes_first(shop: Shop) -> None:
    # Given a charge, and an order that was rejected without knowing of it
    reserved = shop.orders.reserve(shop.place(shop.sell("MUG-001")))
    shop.payments.charge(reserved)
    shop.orders.reject(reserved, Reason.PAYMENT_UNAVAILABLE, refund_due=True)

    processed = shop.process(reserved.key)

    assert (processed.status, processed.refund_due) == (Status.REJECTED, False)
    assert shop.aws.charges()[reserved.key.order_id][0] == "cancelled"
    shop.check_invariant()


def test_a_message_about_no_order_is_a_failure(shop: Shop) -> None:
    with pytest.raises(UnknownOrder):
        shop.process(OrderKey("customer", "ord-none"))


@pytest.mark.parametrize(
    ("price", "outcome"),
    [(1000, Status.CONFIRMED), (1001, Status.REJECTED), (1005, Status.CONFIRMED), (1006, Status.AWAITING_PAYMENT)],
)
def test_a_redelivery_changes_nothing_that_is_decided(shop: Shop, price: int, outcome: Status) -> None:
    order = shop.place(shop.sell("MUG-001", price=price), quantity=1)
    first = shop.process(order.key)

    again = shop.process(order.key)

    assert again == first
    assert first.status is outcome
    shop.check_invariant()


@BEFORE_AND_AFTER
@pytest.mark.parametrize(
    ("price", "stock", "outcome"),
    [
        pytest.param(1000, 10, Status.CONFIRMED, id="approved"),
        pytest.param(1001, 10, Status.REJECTED, id="declined"),
        pytest.param(1000, 0, Status.REJECTED, id="out of stock"),
        pytest.param(1005, 10, Status.CONFIRMED, id="outcome known by look-up only"),
        pytest.param(1006, 10, Status.AWAITING_PAYMENT, id="pending"),
    ],
)
@pytest.mark.parametrize("rescue", ["redelivery", "reconciler and redelivery", "reconciler alone"])
def test_a_crash_between_any_two_steps_is_made_good(
    shop: Shop, rescue: str, price: int, stock: int, outcome: Status, after: bool
) -> None:
    crashes = 0
    for number, trigger in enumerate(every_position(crash, after=after)):
        # Given a processor that crashes at this step
        order = shop.place(shop.sell(f"MUG-{number:03}", price, stock), quantity=1, key=f"key-{number}")
        shop.aws.messages()
        try:
            shop.watched_by(trigger).process(order.key)
        except Crash:
            crashes += 1

        # When the message comes again, or never and the reconciler comes by
        if rescue == "redelivery":
            shop.process(order.key)
        elif rescue == "reconciler and redelivery":
            shop.reconcile()
            shop.process_queue()
        else:
            shop.reconcile_until_settled()

        # Then the order ends as it would have, or unpaid and rejected
        if rescue == "reconciler alone":
            assert shop.status(order) in (Status.CONFIRMED, Status.REJECTED)
        else:
            assert shop.status(order) is outcome
        shop.check_invariant()
    assert crashes >= 3, "every step was interrupted"


def _again(shop: Shop, order: Order) -> None:
    shop.process(order.key)


def _give_up(shop: Shop, order: Order) -> None:
    shop.reconcile_until_settled()


@pytest.mark.parametrize("meanwhile", [_again, _give_up], ids=["another processor", "the reconciler, giving up"])
@pytest.mark.parametrize("price", [1000, 1001, 1005, 1006], ids=["approved", "declined", "by look-up", "pending"])
@BEFORE_AND_AFTER
def test_whoever_comes_in_between_the_order_ends_once(
    shop: Shop, meanwhile: Callable[[Shop, Order], None], price: int, after: bool
) -> None:
    overtaken: list[Order] = []

    for trigger in every_position(lambda: meanwhile(shop, overtaken[-1]), after=after):
        # Given a processor that somebody overtakes at this step
        number = len(overtaken)
        overtaken.append(shop.place(shop.sell(f"MUG-{number:03}", price), quantity=1, key=f"key-{number}"))
        shop.aws.messages()

        # When it goes on
        shop.watched_by(trigger).process(overtaken[-1].key)

        # Then everything adds up, and a refund that is due is made
        shop.reconcile_until_settled()
        assert shop.status(overtaken[-1]) in (Status.CONFIRMED, Status.REJECTED)
        shop.check_invariant()
    assert len(overtaken) > 3, "it was overtaken at every step"


def test_the_last_piece_goes_to_one_of_two(shop: Shop) -> None:
    sku = shop.sell("MUG-001", stock=1)
    orders = [shop.place(sku, quantity=1, key=key) for key in ("one", "other")]

    for order in orders:
        shop.process(order.key)

    assert {shop.status(order) for order in orders} == {Status.CONFIRMED, Status.REJECTED}
    shop.check_invariant()
