"""The reconciler: what no message moves, it does."""

import json
from datetime import timedelta

import pytest

from storefront.orders.reconcile_orders import handler
from storefront.orders.schedule import Schedule
from storefront.orders.status import Reason, Status
from storefront.payments.charge import PaymentUnresolved
from storefront.shared import clock
from tests.support.faults import Crash, crash, every_position
from tests.unit.orders.shop import SCHEDULE, Shop
from tools.testing.events import Context


def test_an_order_whose_message_was_lost_is_sent_again(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001"))
    shop.aws.messages()

    shop.reconcile()

    assert [message["orderId"] for message in shop.aws.messages()] == [order.key.order_id]


def test_an_order_is_left_alone_until_its_time(shop: Shop) -> None:
    shop.place(shop.sell("MUG-001"))
    shop.aws.messages()

    shop.reconcile(after=timedelta(minutes=29))

    assert shop.aws.messages() == []


def test_a_settled_order_is_not_looked_at(shop: Shop) -> None:
    shop.place(shop.sell("MUG-001"))
    shop.process_queue()

    due = list(shop.reviews.due(clock.now() + timedelta(days=365)))

    assert due == []


def test_each_look_waits_four_times_as_long() -> None:
    schedule, now = Schedule(timedelta(minutes=30)), clock.now()

    waits = [schedule.next_review(reviews, now) - now for reviews in range(4)]

    assert waits == [timedelta(minutes=minutes) for minutes in (30, 120, 480, 1920)]
    assert [schedule.is_last(reviews) for reviews in range(4)] == [False, False, False, True]


def test_a_dead_lettered_order_is_rejected_in_the_end_and_its_stock_given_back(shop: Shop) -> None:
    order = shop.place(shop.sell("PAY-FAILS", price=1004), quantity=1)
    with pytest.raises(PaymentUnresolved):
        shop.process(order.key)

    shop.reconcile_until_settled()

    settled = shop.read(order.key)
    assert (settled.status, settled.rejection_reason) == (Status.REJECTED, Reason.PAYMENT_UNAVAILABLE)
    assert shop.aws.stock("PAY-FAILS") == shop.products["PAY-FAILS"]
    shop.check_invariant()


def test_an_order_that_never_came_to_be_processed_is_rejected_in_the_end(shop: Shop) -> None:
    order = shop.place(shop.sell("MUG-001"))

    shop.reconcile_until_settled()

    settled = shop.read(order.key)
    assert (settled.status, settled.rejection_reason) == (Status.REJECTED, Reason.PROCESSING_FAILED)
    shop.check_invariant()


def test_a_message_that_comes_after_all_that_changes_nothing(shop: Shop) -> None:
    order = shop.place(shop.sell("PAY-FAILS", price=1004), quantity=1)
    shop.reconcile_until_settled()

    assert shop.process(order.key).status is Status.REJECTED

    shop.check_invariant()


def test_a_pending_payment_is_looked_up_until_it_is_decided(shop: Shop) -> None:
    order = shop.place(shop.sell("PAY-PENDING", price=1006), quantity=1)
    shop.process(order.key)

    shop.reconcile()
    undecided = shop.status(order)
    shop.aws.dynamodb.update_item(
        TableName="PaymentsSandboxTable",
        Key={"idempotencyKey": {"S": order.key.order_id}},
        UpdateExpression="SET openedAt = :then",
        ExpressionAttributeValues={":then": {"S": clock.to_text(clock.now() - timedelta(minutes=2))}},
    )
    shop.reconcile(after=timedelta(days=2))

    assert (undecided, shop.status(order)) == (Status.AWAITING_PAYMENT, Status.CONFIRMED)
    shop.check_invariant()


def test_a_payment_that_is_never_decided_is_cancelled(shop: Shop) -> None:
    order = shop.place(shop.sell("PAY-PENDING", price=1006), quantity=1)
    shop.process(order.key)

    for look in range(1, SCHEDULE.LOOKS + 1):
        shop.reconcile(after=timedelta(days=3 * look))

    # In the very run that gives up, not in the next
    assert shop.read(order.key).rejection_reason is Reason.PAYMENT_UNAVAILABLE
    assert shop.aws.charges()[order.key.order_id][0] == "cancelled"
    shop.check_invariant()


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("price", [1004, 1006], ids=["no charge", "undecided charge"])
def test_a_crash_while_giving_up_leaves_no_money_kept(shop: Shop, price: int, after: bool) -> None:
    crashes = 0
    for number, trigger in enumerate(every_position(crash, after=after)):
        # Given an order whose last review has come
        order = shop.place(shop.sell(f"MUG-{number:03}", price), quantity=1, key=f"key-{number}")
        shop.aws.messages()
        if price == 1006:
            shop.process(order.key)
        else:
            with pytest.raises(PaymentUnresolved):
                shop.process(order.key)
        for day in range(1, SCHEDULE.LOOKS):
            shop.reconcile(after=timedelta(days=3 * day))

        # When the reconciler crashes at this step, and runs again
        try:
            shop.watched_by(trigger).reconcile(after=timedelta(days=30))
        except Crash:
            crashes += 1
        shop.reconcile(after=timedelta(days=31))

        # Then the order is rejected, and nothing is due any more
        assert shop.status(order) is Status.REJECTED
        shop.check_invariant()
    assert crashes > 4


def test_the_handler_reviews_what_is_due_and_leaves_the_rest_when_time_is_short(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = shop.sell("MUG-001")
    for key in ("one", "two"):
        shop.place(sku, key=key)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))

    late = handler({}, Context(remaining_milliseconds=1000))
    in_time = handler({}, Context())

    assert late == {"reviewed": 0, "failed": 0}
    assert in_time == {"reviewed": 2, "failed": 0}


def test_the_handler_gives_up_an_order_in_the_end_and_gives_its_stock_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an order that has its stock, and whose payment the provider does not answer
    order = shop.place(shop.sell("PAY-FAILS", price=1004), quantity=1)
    with pytest.raises(PaymentUnresolved):
        shop.process(order.key)
    assert shop.aws.stock("PAY-FAILS") < shop.products["PAY-FAILS"]
    now = clock.now()

    # When runs of the schedule pass in which no message is delivered
    for day in range(1, SCHEDULE.LOOKS + 2):
        monkeypatch.setattr(clock, "now", lambda day=day: now + timedelta(days=3 * day))
        handler({}, Context())

    # Then it is rejected
    assert shop.status(order) is Status.REJECTED
    shop.check_invariant()


def test_one_order_that_cannot_be_reviewed_does_not_hold_up_the_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a rejected order whose refund fails without a provider, and one whose message was lost
    broken, lost = (shop.place(shop.sell(f"MUG-{key}"), key=key) for key in ("BROKEN", "LOST"))
    shop.orders.reject(shop.orders.reserve(broken), Reason.PAYMENT_UNAVAILABLE, refund_due=True)
    shop.aws.ssm.put_parameter(Name="/payments/url", Value="http://127.0.0.1:9/", Type="String", Overwrite=True)
    shop.aws.messages()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))

    result = handler({}, Context())

    assert result == {"reviewed": 1, "failed": 1}
    # The one that failed is behind the others now, and its reviews are not used up.
    deferred = shop.read(broken.key)
    assert deferred.review_at is not None
    assert timedelta(minutes=5) <= deferred.review_at - clock.now() <= timedelta(minutes=15)
    assert deferred.reviews == 0
    assert [message["orderId"] for message in shop.aws.messages()] == [lost.key.order_id]


def test_a_run_that_comes_late_reviews_what_was_due_when_it_was_scheduled(shop: Shop) -> None:
    shop.place(shop.sell("MUG-001"))
    scheduled = [clock.now() + timedelta(minutes=minutes) for minutes in (25, 35)]

    reviewed = [handler({"time": clock.to_text(time)}, Context())["reviewed"] for time in scheduled]

    assert reviewed == [0, 1]


def test_orders_that_have_not_settled_for_an_hour_are_counted_in_every_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given an order that is settled, and one whose message was lost
    shop.place(shop.sell("MUG-001"), key="settled")
    shop.process_queue()
    shop.place("MUG-001", key="lost")
    accepted = clock.now()

    counted = []
    for minutes in (0, 59, 61, 24 * 60):
        moment = accepted + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        handler({"time": clock.to_text(moment)}, Context())
        shop.aws.messages()
        counted.append(_metric("OrdersUnsettled", capsys.readouterr().out))

    # Then it is counted while it is open, also between two looks at it
    assert counted == [0, 0, 1, 1]


def _metric(name: str, output: str) -> float:
    (value,) = [json.loads(line)[name] for line in output.splitlines() if f'"{name}"' in line]
    return float(value[0])
