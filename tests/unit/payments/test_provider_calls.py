"""How the payment provider is called: over real HTTP, since its client's settings show nowhere else."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from storefront.orders.order import Line, Order, OrderKey
from storefront.payments import provider
from storefront.payments.charge import Charge, Decision, PaymentUnresolved
from storefront.payments.provider import (
    CONNECT_SECONDS,
    MAX_PAUSE_SECONDS,
    READ_SECONDS,
    RETRIES,
    WORST_CASE_SECONDS,
    PaymentProvider,
    ProviderRefusedUs,
)
from storefront.shared.money import Money
from tests.support.http_server import Answer, HttpServer, limits_given, serving

Call = Callable[[PaymentProvider], Any]

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = Order(
    key=OrderKey("customer", "ord-" + "a" * 32),
    lines=(Line("MUG-001", "Mug", 1, Money(1000, "EUR")),),
    request_hash="hash",
    correlation_id="correlation",
    accepted_at=NOW,
    updated_at=NOW,
    review_at=NOW,
)
CHARGE = {"chargeId": "ch-1", "status": "approved"}
APPROVED, CANCELLED = Answer(200, CHARGE), Answer(200, CHARGE | {"status": "cancelled"})
# Each with the answer that it is made for.
OPERATIONS: dict[str, tuple[Call, Answer]] = {
    "charge": (lambda payments: payments.charge(ORDER), APPROVED),
    "look up": (lambda payments: payments.look_up(ORDER), APPROVED),
    "cancel": (lambda payments: payments.cancel(ORDER), CANCELLED),
}
CODES_OF_CHARGE = {"approved": {200, 201}, "declined": {402}, "cancelled": {402}, "pending": {202}}
DECISIONS = {
    "approved": Decision.APPROVED,
    "declined": Decision.DECLINED,
    "cancelled": Decision.DECLINED,
    "pending": Decision.UNDECIDED,
}
CODES = (200, 201, 202, 203, 302, 402, 404, 409, 429, 500, 502, 503, 504)

each_operation = pytest.mark.parametrize(("call", "good"), OPERATIONS.values(), ids=OPERATIONS)


def calling(server: HttpServer) -> PaymentProvider:
    return PaymentProvider(lambda: server.url, lambda: "secret")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda seconds: None)


@each_operation
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_our_secret_follows_the_provider_to_no_other_place(call: Call, good: Answer, code: int) -> None:
    with serving(good) as elsewhere, serving(Answer(code, {}, {"Location": elsewhere.url})) as server:
        with pytest.raises(PaymentUnresolved):
            call(calling(server))

        assert server.requests
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("operation", "request_line"),
    [
        ("charge", ("POST", "/charges")),
        ("look up", ("GET", f"/charges/{ORDER.key.order_id}")),
        ("cancel", ("POST", f"/charges/{ORDER.key.order_id}/cancel")),
    ],
)
def test_each_operation_has_its_place(operation: str, request_line: tuple[str, str]) -> None:
    call, good = OPERATIONS[operation]

    with serving(good) as server:
        call(calling(server))

        assert server.requests == [request_line]


@pytest.mark.parametrize("base", ["v1", "v1/"])
def test_the_provider_s_url_may_end_with_a_slash(base: str) -> None:
    with serving(APPROVED) as server:
        PaymentProvider(lambda: server.url + base, lambda: "secret").look_up(ORDER)

        assert server.requests == [("GET", f"/v1/charges/{ORDER.key.order_id}")]


@pytest.mark.parametrize(
    ("operation", "answer", "reason"),
    [
        ("look up", Answer(302, CHARGE), "the provider answered 302, and no status that goes with it"),
        ("look up", Answer(200, {"status": "approved"}), "the provider's answer has no charge id"),
        ("look up", Answer(200, CHARGE | {"chargeId": "ch 1"}), "the provider's answer has no charge id"),
        ("look up", Answer(200, CHARGE | {"chargeId": "ch-2"}), "the provider's answer is about another charge"),
        ("look up", Answer(200, ["approved"]), "the provider answered 200, and not with a JSON object"),
        ("cancel", Answer(200, CHARGE), "the provider answered 200, and does not say `cancelled`"),
    ],
)
def test_the_log_says_why_an_answer_is_not_an_outcome(operation: str, answer: Answer, reason: str) -> None:
    order = replace(ORDER, charge_id="ch-1")

    with serving(answer) as server, pytest.raises(PaymentUnresolved, match=f"^{reason}$"):
        {"look up": calling(server).look_up, "cancel": calling(server).cancel}[operation](order)


def test_the_log_says_that_the_provider_refused_us_or_did_not_answer() -> None:
    with serving(Answer(401, {})) as server:
        gone = calling(server)
        with pytest.raises(ProviderRefusedUs, match=r"^the payment provider answered 401$"):
            gone.look_up(ORDER)

    with pytest.raises(PaymentUnresolved, match=r"^the provider did not answer: ConnectionError$"):
        gone.look_up(ORDER)


def test_a_charge_that_failed_and_is_not_there_is_unresolved() -> None:
    with (
        serving(Answer(500, {}), Answer(500, {}), Answer(404, {})) as server,
        pytest.raises(PaymentUnresolved, match=r"^the provider failed and has no such charge$"),
    ):
        calling(server).charge(ORDER)


@pytest.mark.parametrize(("chosen", "pause"), [(min, 0.1), (max, 0.5)])
def test_a_second_try_comes_after_a_pause_of_its_own(
    monkeypatch: pytest.MonkeyPatch, chosen: Callable[..., float], pause: float
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("random.uniform", chosen)
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)

    with serving(Answer(500, {}), APPROVED) as server:
        calling(server).charge(ORDER)

    assert waited == [pause]


def test_a_charge_names_the_amount_the_order_and_the_customer() -> None:
    with serving(APPROVED) as server:
        calling(server).charge(ORDER)

        ((_, body),) = server.received

    assert json.loads(body) == {
        "amount": 1000,
        "currency": "EUR",
        "reference": ORDER.key.order_id,
        "metadata": {"customerId": "customer"},
    }


@each_operation
def test_a_call_carries_our_secret_and_the_order_s_key(call: Call, good: Answer) -> None:
    with serving(good) as server:
        call(calling(server))

        ((headers, _),) = server.received

    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer secret", ORDER.key.order_id)


@each_operation
@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_failure_that_may_pass_is_tried_once_more(call: Call, good: Answer, code: int) -> None:
    with serving(Answer(code, {}), good) as server:
        call(calling(server))

        assert len(server.requests) == 1 + RETRIES
        assert len(set(server.requests)) == 1


@pytest.mark.parametrize("code", [200, 402, 404, 409, 501])
def test_nothing_else_is_tried_again(code: int) -> None:
    with serving(Answer(code, CHARGE)) as server:
        with pytest.raises(PaymentUnresolved):
            calling(server).cancel(ORDER)

        assert len(server.requests) == 1


def test_a_provider_that_asks_for_a_minute_does_not_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)

    with serving(Answer(503, {}, {"Retry-After": "60"}), APPROVED) as server:
        assert calling(server).charge(ORDER) == Charge("ch-1", Decision.APPROVED)

    assert len(waited) == RETRIES
    assert all(0 < pause <= MAX_PAUSE_SECONDS for pause in waited)


@each_operation
def test_a_provider_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, call: Call, good: Answer) -> None:
    monkeypatch.setattr(provider, "READ_SECONDS", 0.05)

    with serving(replace(good, seconds=5)) as server:
        with pytest.raises(PaymentUnresolved, match="did not answer"):
            call(calling(server))

        assert len(server.requests) % (1 + RETRIES) == 0


@each_operation
def test_each_call_has_both_time_limits(monkeypatch: pytest.MonkeyPatch, call: Call, good: Answer) -> None:
    given = limits_given(monkeypatch)
    with serving(good) as server:
        call(calling(server))

    assert given == [(CONNECT_SECONDS, READ_SECONDS)]


def test_the_slowest_order_is_three_calls_with_all_their_tries() -> None:
    tries = 1 + RETRIES

    assert 3 * (tries * (CONNECT_SECONDS + READ_SECONDS) + RETRIES * MAX_PAUSE_SECONDS) == WORST_CASE_SECONDS
    # A gateway in front of the provider may take a second, and an order must not take a minute.
    assert READ_SECONDS >= 1
    assert WORST_CASE_SECONDS < 30


@pytest.mark.parametrize(("status", "code"), list(itertools.product(CODES_OF_CHARGE, CODES)))
def test_a_status_counts_with_its_own_codes_alone(monkeypatch: pytest.MonkeyPatch, status: str, code: int) -> None:
    """A 500 with a charge in its body is not a charge."""
    with serving(Answer(code, CHARGE | {"status": status})) as server:
        payments = calling(server)
        monkeypatch.setattr(payments, "look_up", lambda order: None)

        if code in CODES_OF_CHARGE[status]:
            assert payments.charge(ORDER) == Charge("ch-1", DECISIONS[status])
        else:
            with pytest.raises(PaymentUnresolved):
                payments.charge(ORDER)


@pytest.mark.parametrize(("status", "code"), list(itertools.product(CODES_OF_CHARGE, CODES)))
def test_a_look_up_counts_with_200_alone(status: str, code: int) -> None:
    with serving(Answer(code, CHARGE | {"status": status})) as server:
        if code == 200:
            assert calling(server).look_up(ORDER) == Charge("ch-1", DECISIONS[status])
        else:
            with pytest.raises(PaymentUnresolved):
                calling(server).look_up(ORDER)


def test_tls_is_spoken_with_the_same_retries() -> None:
    session = PaymentProvider(lambda: "", lambda: "")._session

    adapters = {session.get_adapter(f"{scheme}://provider.example").max_retries.total for scheme in ("https", "http")}

    assert adapters == {RETRIES}
