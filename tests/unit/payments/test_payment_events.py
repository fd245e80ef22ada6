"""Payment events: each settles its order once, in whatever order, however often and beside whomever they come."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from storefront.orders.order import Order
from storefront.orders.status import ON_PAYMENT_EVENT, Reason, Status
from storefront.payments import receive_payment_event
from storefront.payments.event import apply_payment_event, parse_payment_event
from storefront.payments.webhook_signature import content_sha256
from storefront.shared.errors import InvalidRequest, Unprocessable
from tests.support.faults import Crash, crash, every_position
from tests.support.ids import shown
from tests.unit.orders.shop import Shop
from tools.testing.events import Context, rest_event

AWAITED = 1007
BEFORE_AND_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
DECISIONS = pytest.mark.parametrize(
    ("status", "outcome"), [("approved", Status.CONFIRMED), ("declined", Status.REJECTED)]
)


def awaiting(shop: Shop, key: str = "key") -> Order:
    """Return an order whose payment the provider has not decided."""
    order = shop.place(shop.sell(f"MUG-{key.upper()}", price=AWAITED), quantity=1, key=key)
    shop.aws.messages()
    return shop.process(order.key)


def event_of(order: Order, status: str = "approved", **changes: Any) -> dict[str, Any]:
    return {
        "eventId": "evt-1",
        "chargeId": order.charge_id or "ch-1",
        "reference": order.key.order_id,
        "metadata": {"customerId": order.key.customer_id},
        "status": status,
        **changes,
    }


def decide(shop: Shop, order: Order, status: str) -> None:
    """Write the provider's decision into its books."""
    shop.aws.dynamodb.update_item(
        TableName="PaymentsSandboxTable",
        Key={"idempotencyKey": {"S": order.key.order_id}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": status}},
    )


def tell(shop: Shop, event: dict[str, Any]) -> Order:
    """Do what `POST /webhooks/payments` does with an event."""
    return apply_payment_event(parse_payment_event(json.dumps(event).encode()), shop.orders)


@DECISIONS
def test_an_event_settles_an_order_that_awaits_its_payment(shop: Shop, status: str, outcome: Status) -> None:
    order = awaiting(shop)
    decide(shop, order, status)

    settled = tell(shop, event_of(order, status))

    assert settled.status is outcome
    assert shop.read(order.key) == settled
    assert settled.rejection_reason is (Reason.PAYMENT_DECLINED if outcome is Status.REJECTED else None)
    shop.check_invariant()


@DECISIONS
def test_an_event_that_comes_again_does_nothing(shop: Shop, status: str, outcome: Status) -> None:
    order = awaiting(shop)
    decide(shop, order, status)
    first = tell(shop, event_of(order, status))

    again = tell(shop, event_of(order, status))

    assert again == first == shop.read(order.key)
    shop.check_invariant()


@pytest.mark.parametrize("status", ["approved", "declined"])
def test_an_event_about_an_order_in_another_state_does_nothing(shop: Shop, status: str) -> None:
    confirmed = shop.process(shop.place(shop.sell("MUG-003"), key="confirmed").key)

    assert tell(shop, event_of(confirmed, status)) == confirmed == shop.read(confirmed.key)


@DECISIONS
def test_an_event_that_overtakes_our_own_write_comes_again(shop: Shop, status: str, outcome: Status) -> None:
    # Given a charge that is made, and whose answer is not written yet
    pending = shop.place(shop.sell("MUG-PENDING", price=AWAITED), quantity=1, key="pending")
    reserved = shop.orders.reserve(shop.place(shop.sell("MUG-RESERVED", price=AWAITED), quantity=1, key="reserved"))
    charge = shop.payments.charge(reserved)
    decide(shop, reserved, status)

    for order in (pending, reserved):
        answer = call(event_of(order, status, chargeId=charge.id))

        assert answer["statusCode"] == json.loads(answer["body"])["status"] == 409
        assert 1 <= int(answer["headers"]["Retry-After"]) <= 10
        assert shop.read(order.key) == order

    # When the write has been made, and the provider sends the event again
    shop.orders.await_payment(reserved, charge.id)
    assert call(event_of(reserved, status, chargeId=charge.id))["statusCode"] == 200

    assert shop.status(reserved) is outcome


@pytest.mark.parametrize("status", ["pending", "APPROVED", "charge.refunded", "partially_approved"])
def test_a_word_that_is_not_known_here_is_taken_and_counted(
    shop: Shop, status: str, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    order = awaiting(shop)

    for event in (event_of(order, status), event_of(order, status, reference="unknown")):
        answer = call(event)
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"eventId": "evt-1"})

    assert shop.read(order.key) == order
    metrics = capsys.readouterr().out
    assert metrics.count('"PaymentEventsPassedOver":[1.0]') == 2
    assert metrics.count('{"Name":"PaymentEventsPassedOver","Unit":"Count"}') == 2
    assert json.loads(log.getvalue().splitlines()[-1])["status"] == status


def test_money_for_a_rejected_order_is_given_back_once_for_each_event(shop: Shop) -> None:
    # Given an order that was given up, and an approval that was on its way
    order = awaiting(shop)
    shop.reconcile_until_settled()
    assert shop.status(order) is Status.REJECTED
    decide(shop, order, "approved")

    owing = tell(shop, event_of(order))
    again = tell(shop, event_of(order))
    another = tell(shop, event_of(order, eventId="evt-2"))

    assert (owing.refund_due, owing.refund_event_id) == (True, "evt-1")
    assert again == another == owing, "the refund is due already"
    shop.check_invariant()

    # When the reconciler comes by
    shop.reconcile()

    # Then the money is back, and a replay changes nothing
    assert shop.aws.charges()[order.key.order_id][0] == "cancelled"
    paid = shop.read(order.key)
    assert (paid.refund_due, paid.review_at) == (False, None)
    assert tell(shop, event_of(order)) == paid == shop.read(order.key)
    shop.check_invariant()


def test_a_declined_charge_of_a_rejected_order_makes_no_refund_due(shop: Shop) -> None:
    order = awaiting(shop)
    decide(shop, order, "declined")
    rejected = tell(shop, event_of(order, "declined"))

    assert tell(shop, event_of(order, "declined", eventId="evt-2")) == rejected
    assert not rejected.refund_due


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": "ord-" + "a" * 32},
        {"reference": "unknown"},
        {"metadata": {"customerId": "another"}},
        {"metadata": None},
        {"chargeId": "ch-of-another-order"},
    ],
    ids=shown,
)
def test_an_event_that_fits_no_order_is_refused(shop: Shop, changes: dict[str, Any]) -> None:
    order = awaiting(shop)

    with pytest.raises(Unprocessable, match="No order has this charge"):
        tell(shop, event_of(order) | changes)

    assert shop.read(order.key) == order


def test_an_event_without_metadata_is_refused(shop: Shop) -> None:
    event = event_of(awaiting(shop))
    del event["metadata"]

    with pytest.raises(Unprocessable):
        tell(shop, event)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "the body"),
        (b"{", "the body"),
        (b"null", "the body"),
        (b"[]", "the body"),
        (b"\xff", "the body"),
        ({}, "/eventId"),
        ({"status": ""}, "/status"),
        ({"status": "canary canary"}, "/status"),
        ({"status": "s" * 65}, "/status"),
        ({"status": ["approved"]}, "/status"),
        ({"status": None}, "/status"),
        ({"eventId": ""}, "/eventId"),
        ({"eventId": "canary canary"}, "/eventId"),
        ({"eventId": "e" * 129}, "/eventId"),
        ({"chargeId": 1}, "/chargeId"),
        ({"reference": "r" * 5000}, "/reference"),
        ({"metadata": "canary"}, "/metadata"),
        ({"metadata": {}}, "/metadata/customerId"),
        ({"metadata": {"customerId": "c" * 5000}}, "/metadata/customerId"),
    ],
    ids=shown,
)
def test_a_body_that_is_no_event_is_refused_by_its_place(body: Any, place: str) -> None:
    good = {"eventId": "evt-1", "chargeId": "ch-1", "reference": "ord-1", "status": "approved"}
    raw = body if isinstance(body, bytes) else json.dumps((good | body) if body else {}).encode()

    with pytest.raises(InvalidRequest) as refusal:
        parse_payment_event(raw)

    assert place in refusal.value.detail
    assert "canary" not in refusal.value.detail


def test_members_that_the_provider_adds_are_passed_over(shop: Shop) -> None:
    order = awaiting(shop)

    assert tell(shop, event_of(order, livemode=False)).status is Status.CONFIRMED


def test_every_state_has_a_row_in_the_table_of_events() -> None:
    assert set(ON_PAYMENT_EVENT) == set(Status)


@BEFORE_AND_AFTER
@DECISIONS
def test_a_crash_between_any_two_steps_is_made_good_by_the_next_try(
    shop: Shop, status: str, outcome: Status, after: bool
) -> None:
    crashes = 0
    for number, trigger in enumerate(every_position(crash, after=after)):
        order = awaiting(shop, f"key-{number}")
        decide(shop, order, status)
        try:
            tell(shop.watched_by(trigger), event_of(order, status))
        except Crash:
            crashes += 1

        assert tell(shop, event_of(order, status)).status is outcome
        shop.check_invariant()
    assert crashes == 2, "read, write"


def _reconciler(shop: Shop, order: Order) -> None:
    shop.reconcile_until_settled()


def _same_event(shop: Shop, order: Order) -> None:
    tell(shop, event_of(order))


def _contrary_event(shop: Shop, order: Order) -> None:
    tell(shop, event_of(order, "declined", eventId="evt-contrary"))


@BEFORE_AND_AFTER
@pytest.mark.parametrize("meanwhile", [_reconciler, _same_event, _contrary_event])
@pytest.mark.parametrize("decided", ["pending", "approved"])
def test_whoever_comes_in_between_no_money_is_kept_for_a_rejected_order(
    shop: Shop, meanwhile: Callable[[Shop, Order], None], decided: str, after: bool
) -> None:
    overtaken: list[Order] = []
    for trigger in every_position(lambda: meanwhile(shop, overtaken[-1]), after=after):
        order = awaiting(shop, f"key-{len(overtaken)}")
        overtaken.append(order)
        if decided == "approved":
            decide(shop, order, decided)

        tell(shop.watched_by(trigger), event_of(order))
        if shop.status(order) is Status.CONFIRMED:
            decide(shop, order, "approved")
        shop.reconcile_until_settled()

        assert shop.status(order) in (Status.CONFIRMED, Status.REJECTED)
        shop.check_invariant()
    assert len(overtaken) >= 2


def call(body: Any, *, signed: Any = None, base64_encoded: bool = False, **request: Any) -> dict[str, Any]:
    """Return the handler's answer to a body whose hash the authorizer has found signed."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    authorizer = {"contentSha256": content_sha256(raw) if signed is None else signed}
    event = rest_event(body=base64.b64encode(raw).decode() if base64_encoded else raw.decode(), authorizer=authorizer)
    event["isBase64Encoded"] = base64_encoded
    event["requestContext"] |= request
    answer: dict[str, Any] = receive_payment_event.handler(event, Context())
    return answer


@pytest.mark.parametrize("base64_encoded", [False, True])
def test_the_body_that_was_signed_is_taken_however_it_is_carried(shop: Shop, base64_encoded: bool) -> None:
    order = awaiting(shop)
    # With white space, and a character that is more than a byte: the bytes count, not what they mean.
    body = json.dumps(event_of(order, note="é"), indent=3, ensure_ascii=False).encode()

    answer = call(body, base64_encoded=base64_encoded)

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"eventId": "evt-1"})
    assert shop.status(order) is Status.CONFIRMED


@DECISIONS
def test_the_handler_settles_order_and_stock_as_the_provider_has_decided(
    shop: Shop, status: str, outcome: Status
) -> None:
    order = awaiting(shop)
    decide(shop, order, status)

    assert call(event_of(order, status))["statusCode"] == 200

    assert shop.status(order) is outcome
    shop.check_invariant()


def test_the_log_names_the_request_that_the_order_goes_back_to(shop: Shop, log: io.StringIO) -> None:
    order = awaiting(shop)

    call(event_of(order))

    told = json.loads(log.getvalue().splitlines()[-1])
    assert told["order_correlation_id"] == order.correlation_id != told["correlation_id"]


@pytest.mark.parametrize("base64_encoded", [False, True])
@pytest.mark.parametrize("signed", ["", "0" * 64, "é" * 64, 5, content_sha256(b""), content_sha256(b"{}")], ids=shown)
def test_a_body_that_was_not_signed_is_refused(shop: Shop, signed: Any, base64_encoded: bool) -> None:
    order = awaiting(shop)

    answer = call(event_of(order), signed=signed, base64_encoded=base64_encoded)

    assert answer["statusCode"] == json.loads(answer["body"])["status"] == 401
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert shop.read(order.key) == order


@pytest.mark.parametrize(
    "authorizer", [None, {}, {"principalId": "x"}, {"contentSha256": None}, {"claims": {}}], ids=shown
)
def test_without_an_authorizer_nothing_is_taken(shop: Shop, authorizer: Any) -> None:
    order = awaiting(shop)

    assert call(event_of(order), authorizer=authorizer)["statusCode"] == 401
    assert shop.read(order.key) == order


def test_a_header_of_the_caller_s_is_not_what_was_signed(shop: Shop) -> None:
    body = json.dumps(event_of(awaiting(shop)))
    headers = {"X-Webhook-Content-SHA256": content_sha256(body.encode())}

    assert receive_payment_event.handler(rest_event(body=body, headers=headers), Context())["statusCode"] == 401  # type: ignore[arg-type]


def test_a_body_that_was_not_signed_is_not_parsed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive_payment_event, "parse_payment_event", lambda _: pytest.fail("parsed"))

    assert call(b"{not json", signed="0" * 64)["statusCode"] == 401


def test_the_body_is_compared_in_constant_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(
        receive_payment_event.hmac, "compare_digest", lambda one, other: compared.append(one) or one == other
    )

    call(b"{}")

    assert compared == [content_sha256(b"{}").encode()]


def test_what_happened_is_logged_by_ids(shop: Shop, log: io.StringIO) -> None:
    order = awaiting(shop)

    call(event_of(order))

    assert order.key.order_id in log.getvalue()
    assert "evt-1" in log.getvalue()
