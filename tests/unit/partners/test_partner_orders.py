"""Each message of a partner becomes an order or a refusal, once, and only this partner reads which."""

import io
import json
from typing import Any

import pytest

from storefront.orders.acceptance import OrderIntake
from storefront.orders.order import order_id_of
from storefront.partners import get_partner_order, process_partner_orders
from storefront.partners.intake import HandedIn, NoReference, take_in
from storefront.partners.outcome import is_reference
from storefront.partners.outcome_store import OutcomeStore
from storefront.shared import clock
from tests.support.faults import Crash, Failing, aws_error, crash, every_position
from tests.support.ids import shown
from tools.testing.aws import Aws
from tools.testing.events import Context, rest_event, sqs_record

ACME, GLOBEX = "acme00000001", "globex000001"


def body(reference: Any = "PO-1", sku: str = "MUG-001", quantity: Any = 1, **more: Any) -> dict[str, Any]:
    return {"reference": reference, "lines": [{"sku": sku, "quantity": quantity}], **more}


def message(content: Any, partner: str | None = ACME) -> dict[str, Any]:
    record = sqs_record(content, correlation_id="the-request")
    if partner is not None:
        record["messageAttributes"]["partnerId"] = {"stringValue": partner, "dataType": "String"}
    return record


def process(*records: dict[str, Any]) -> list[str]:
    answer = process_partner_orders.handler({"Records": list(records)}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def show(reference: str = "PO-1", partner: str | None = ACME) -> tuple[int, dict[str, Any]]:
    event = rest_event(partner=partner, path={"reference": reference})
    answer = get_partner_order.handler(event, Context())  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture(autouse=True)
def shop(aws: Aws) -> Aws:
    aws.add_product("MUG-001")
    return aws


def test_a_partners_order_is_placed_in_their_name_and_sent_on(shop: Aws) -> None:
    assert process(message(body())) == []

    order_id = order_id_of(f"partner/{ACME}", "PO-1")
    status, shown = show()
    assert (status, shown["reference"], shown["orderId"], shown["status"]) == (200, "PO-1", order_id, "PENDING")
    (sent,) = shop.messages()
    assert (sent["customerId"], sent["orderId"]) == (f"partner/{ACME}", order_id)
    assert shop.orders()[0]["correlationId"]["S"] == "the-request"


def test_a_repeated_message_makes_no_second_order(shop: Aws) -> None:
    process(message(body()), message(body()))

    assert len(shop.orders()) == 1
    assert "detail" not in show()[1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (body(sku="UNICORN-001"), "UNICORN-001"),
        (body(quantity=0), "/lines/0/quantity"),
        (body(quantity="1"), "/lines/0/quantity"),
        (body(sku="mug"), "a SKU has"),
        (body(price=1), "the body"),
        (json.dumps(body(sku="\ud800"), ensure_ascii=False), "a SKU has"),
        ({"reference": "PO-1"}, "/lines"),
        ({"reference": "PO-1", "lines": []}, "/lines"),
        ({"reference": "PO-1", "lines": [{"sku": "MUG-001", "quantity": 1}] * 51}, "/lines"),
    ],
    ids=shown,
)
def test_what_cannot_be_ordered_is_an_outcome(shop: Aws, content: Any, says: str) -> None:
    assert process(message(content)) == []

    status, shown = show()
    assert (status, shown["status"]) == (200, "REFUSED")
    assert says in shown["detail"]
    assert shop.orders() == []


GOOD = json.dumps(body())


def test_a_byte_order_mark_is_passed_over(shop: Aws) -> None:
    assert process(message("\ufeff" + GOOD)) == []

    assert show()[1]["status"] == "PENDING"


@pytest.mark.parametrize(
    "content",
    [
        GOOD + " trailing",
        GOOD + GOOD,
        GOOD.replace("1}]", "1,}]"),
        GOOD.replace("1}]", "0001}]"),
        GOOD.replace("{", "{/* ours */", 1),
        GOOD.replace("1}]", "[" * 100_000),
        "\ufeff\ufeff" + GOOD,
    ],
    ids=lambda content: content[-30:],
)
def test_what_only_the_consumer_finds_unreadable_is_an_outcome(shop: Aws, content: str) -> None:
    assert process(message(content)) == []

    status, shown = show()
    assert (status, shown["status"]) == (200, "REFUSED")
    assert shown["detail"] == "The body is not valid JSON."


def test_a_reference_used_again_for_something_else_is_refused_and_the_first_order_stays(shop: Aws) -> None:
    process(message(body(quantity=1)), message(body(quantity=2)))

    status, shown = show()
    assert (status, shown["status"]) == (200, "PENDING")
    assert shown["lines"][0]["quantity"] == 1
    assert "reference" in shown["detail"]
    assert len(shop.orders()) == 1


def test_a_refused_reference_can_be_put_right(shop: Aws) -> None:
    process(message(body(sku="UNICORN-001")))
    process(message(body()))

    shown = show()[1]
    assert shown["status"] == "PENDING"
    assert "detail" not in shown


@pytest.mark.parametrize(
    "poison",
    ["not JSON", "[]", "null", '"PO-1"', {}, body(reference=None), body(reference=1), body(reference=""),
     body(reference="PO 1"), body(reference="PO-1\n"), body(reference="x" * 65), "[" * 100_000],
    ids=shown,
)  # fmt: skip
def test_what_has_no_reference_fails_alone(shop: Aws, poison: Any) -> None:
    bad = message(poison)

    assert process(message(body("PO-1")), bad, message(body("PO-2"))) == [bad["messageId"]]

    assert show("PO-1")[0] == show("PO-2")[0] == 200


@pytest.mark.parametrize("content", ["not JSON", "[]"])
def test_what_has_no_reference_is_told_from_a_fault_of_ours(shop: Aws, content: str) -> None:
    intake, outcomes = process_partner_orders._intake, process_partner_orders._outcomes

    with pytest.raises(NoReference):
        take_in(HandedIn(ACME, "the-request", content), intake, outcomes, clock.now())


@pytest.mark.parametrize("partner", [None, ""])
def test_a_message_that_names_no_partner_fails_whatever_its_body_says(shop: Aws, partner: str | None) -> None:
    bad = message(body(partnerId=ACME), partner)

    assert process(bad) == [bad["messageId"]]
    assert shop.orders() == []


def test_the_partner_is_the_gateways_and_not_the_bodys(shop: Aws) -> None:
    process(message(body(partnerId=GLOBEX)))

    assert show(partner=GLOBEX)[0] == 404
    assert show(partner=ACME)[1]["status"] == "REFUSED"


def test_another_partners_reference_cannot_be_told_from_none(shop: Aws) -> None:
    process(message(body("PO-1"), ACME), message(body("PO-2", "UNICORN-001"), ACME))

    for reference in ("PO-1", "PO-2"):
        status, problem = show(reference, GLOBEX)
        nobodys = show("PO-404", GLOBEX)
        assert status == 404
        assert problem | {"instance": ""} == nobodys[1] | {"instance": ""}


def test_two_partners_may_use_the_same_reference(shop: Aws) -> None:
    process(message(body(quantity=1), ACME), message(body(quantity=2), GLOBEX))

    assert [show(partner=partner)[1]["lines"][0]["quantity"] for partner in (ACME, GLOBEX)] == [1, 2]


@pytest.mark.parametrize("reference", ["", "a b", "x" * 5000, "%", "\u0661", "PO-1\n"])
def test_what_cannot_be_a_reference_is_404(shop: Aws, reference: str) -> None:
    assert not is_reference(reference)
    assert show(reference)[0] == 404


def test_a_request_without_the_authorizers_word_is_401(shop: Aws) -> None:
    assert show(partner=None)[0] == 401


def test_a_crash_anywhere_loses_nothing_and_doubles_nothing(shop: Aws) -> None:
    intake, outcomes = process_partner_orders._intake, process_partner_orders._outcomes
    for number, trigger in enumerate(every_position(crash, after=True)):
        handed_in = HandedIn(ACME, "the-request", json.dumps(body(f"PO-{number}")))
        before = len(shop.orders())

        # Given a process that ends after one of its calls
        with_crash = OutcomeStore(trigger.watch(shop.dynamodb), "PartnerOrdersTable")
        watched = OrderIntake(trigger.watch(intake._products), trigger.watch(intake._orders), trigger.watch(intake._queue), intake._schedule)  # fmt: skip  # noqa: E501
        try:
            take_in(handed_in, watched, with_crash, clock.now())
        except Crash:
            # When the message comes again
            take_in(handed_in, intake, outcomes, clock.now())

        assert show(f"PO-{number}")[1]["status"] == "PENDING"
        assert len(shop.orders()) == before + 1


def test_a_table_that_does_not_answer_fails_the_message(shop: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing(shop.dynamodb, "update_item", aws_error("ThrottlingException"), times=1)
    monkeypatch.setattr(process_partner_orders._outcomes, "_dynamodb", failing)
    record = message(body())

    assert process(record) == [record["messageId"]]
    assert process(record) == []
    assert len(shop.orders()) == 1


def test_messages_for_which_there_is_no_time_are_left_alone(shop: Aws) -> None:
    record = message(body())

    answer = process_partner_orders.handler({"Records": [record]}, Context(remaining_milliseconds=5_000))

    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert shop.orders() == []


def test_nothing_that_a_partner_has_written_is_logged(shop: Aws, log: io.StringIO) -> None:
    process(message(body("a-canary", "CANARY-001")), message("a-canary"), message(body("a-canary", **{"a-canary": 1})))

    assert log.getvalue()
    assert "canary" not in log.getvalue().lower()


@pytest.mark.parametrize(
    ("sku", "order_id"), [("MUG-001", order_id_of(f"partner/{ACME}", "PO-1")), ("UNICORN-001", None)]
)
def test_the_log_tells_whose_order_it_was_and_what_became_of_it(
    shop: Aws, log: io.StringIO, sku: str, order_id: str | None
) -> None:
    process(message(body(sku=sku)))

    told = json.loads(log.getvalue())
    assert (told["partner_id"], told.get("order_id"), told["refused"]) == (ACME, order_id, order_id is None)
