"""The cost: every line of it can be done by hand, from what was counted and the price table."""

import copy
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tools.bench.cost import benchmark as cost
from tools.bench.cost.benchmark import section
from tools.bench.cost.prices import FILE, Prices, dollars
from tools.bench.cost.usage import Business, traced
from tools.bench.report import Report, Run
from tools.console import Problem
from tools.stack.function_name import logical_id_of

POST = "apigatewaymanagementapi:PostToConnection"


def step(function: str, trigger: str, **counted: Any) -> dict[str, Any]:
    nothing = {"calls": {}, "write_units": 0, "read_units": 0, "posted": 0, "events": 0, "log_bytes": 0}
    return {"function": function, "trigger": trigger, **nothing, **counted}


def message_to(recipients: int) -> list[dict[str, Any]]:
    calls = {POST: recipients + 1, "dynamodb:Query": 1, "dynamodb:TransactWriteItems": 1}
    return [step("SendMessageFunction", "frame", calls=calls, write_units=8, read_units=1, posted=recipients + 1)]


@pytest.fixture
def data() -> dict[str, Any]:
    """The data of a report: functions that take 10 ms by themselves, and 300 ms to start."""
    names = ("PlaceOrder", "ProcessOrders", "PublishOrderEvents", "SendMessage", "OpenConnection", "ReconcileOrders")
    functions = [f"{name}Function" for name in names]
    place = {"dynamodb:BatchGetItem": 1, "dynamodb:PutItem": 1, "sqs:SendMessage": 1}
    return {
        "counted": {
            "order": [
                step("PlaceOrderFunction", "rest", calls=place, write_units=3, read_units=1, log_bytes=500),
                step("ProcessOrdersFunction", "queue", calls={"payments:POST": 1}, write_units=10, read_units=1),
                step("PublishOrderEventsFunction", "stream", calls={"eventbridge:PutEvents": 1}, events=1),
            ],
            "connection": [step("OpenConnectionFunction", "connection", calls={"dynamodb:PutItem": 1}, write_units=2)],
            "reconciliation": [step("ReconcileOrdersFunction", "schedule", calls={"dynamodb:Query": 8}, read_units=4)],
            **{f"message to {recipients}": message_to(recipients) for recipients in (1, 10, 100, 1000)},
        },
        "own": dict.fromkeys(functions, 10.0),
        "init": dict.fromkeys(functions, 300.0),
        "memory": dict.fromkeys(functions, 512),
        "post": 1.0,
        "resources": {"alarms": 100, "dashboards": 1, "metrics": 20, "secrets": 3},
    }


def test_a_million_orders_write_what_they_wrote_once_a_million_times(data: dict[str, Any]) -> None:
    costs = Prices.load().by_service(Business.of(data).month(orders=1_000_000))

    # 13 writes at $0.625 and 2 reads at $0.125 a million
    assert costs["DynamoDB"] == pytest.approx(13 * 0.625 + 2 * 0.125)
    # 1 request at $3.50 a million
    assert costs["API Gateway"] == pytest.approx(3.50)
    # A send, a receive and a delete at $0.40 a million
    assert costs["SQS"] == pytest.approx(3 * 0.40)
    assert costs["EventBridge"] == pytest.approx(1.00)


def test_an_invocation_is_billed_its_own_time_on_its_share_of_a_processor_and_what_it_waits_for(
    data: dict[str, Any],
) -> None:
    durations = Business.of(data).durations
    calls = {"dynamodb:BatchGetItem": 1, "dynamodb:PutItem": 1, "sqs:SendMessage": 1}

    # 10 ms on 512/1769 of a processor are 34.55; and 5 + 5 + 8 ms; whole milliseconds are billed
    assert durations.warm("PlaceOrderFunction", calls) == 53
    # Half a GB, and of one in a hundred the 300 ms of its start
    assert durations.gigabyte_seconds("PlaceOrderFunction", calls) == pytest.approx(0.5 * (0.053 + 0.01 * 0.3))


def test_posts_take_as_long_as_they_wait_or_as_the_processor_needs_for_them(data: dict[str, Any]) -> None:
    durations = Business.of(data).durations
    alone = durations.warm("SendMessageFunction", {})

    # One round of 32, of 10 ms
    assert durations.warm("SendMessageFunction", {POST: 2}) == alone + 10
    # A thousand more, each 1 ms of a processor of which there is 512/1769
    assert durations.warm("SendMessageFunction", {POST: 1002}) == pytest.approx(alone + 1000 * 1769 / 512, abs=1)


def test_a_message_has_its_share_of_the_connections_it_goes_to(data: dict[str, Any]) -> None:
    usage = Business.of(data).message(10)

    # Ten people for a minute, each of whom stays for thirty
    assert usage["connection-minutes"] == 10
    assert usage["write-units"] == pytest.approx(8 + 10 / 30 * 2)
    # One comes in; ten posts and the answer go out
    assert usage["websocket-messages"] == 12


def test_an_invocation_of_the_chats_authorizer_is_a_trace_of_its_own(data: dict[str, Any]) -> None:
    # Given a handshake: the authorizer is asked, and then the connection is opened
    data["counted"]["connection"].insert(0, step("OpenConnectionFunction", "authorizer"))

    usage = Business.of(data).steps("connection")

    # Then both are traced, and neither is a message
    assert usage["traces"] == 2
    assert usage["websocket-messages"] == 0


@pytest.mark.parametrize("counted", ["write_units", "read_units", "posted", "events", "log_bytes"])
def test_twice_of_what_is_counted_costs_more(data: dict[str, Any], counted: str) -> None:
    more = copy.deepcopy(data)
    for steps in more["counted"].values():
        for one in steps:
            one[counted] *= 2

    assert total(more) > total(data)


@pytest.mark.parametrize(
    "call", ["dynamodb:PutItem", "sqs:SendMessage", "eventbridge:PutEvents", "payments:POST", POST]
)
def test_a_call_more_costs_more(data: dict[str, Any], call: str) -> None:
    more = copy.deepcopy(data)
    doubled = [one["calls"] for steps in more["counted"].values() for one in steps if call in one["calls"]]
    for calls in doubled:
        calls[call] *= 2

    assert doubled
    assert total(more) > total(data)


def test_everything_that_is_used_has_a_price_and_every_price_is_used(data: dict[str, Any]) -> None:
    used = Business.of(data).month(orders=1, messages=1, with_fixed=True)

    assert {name for name, quantity in used.items() if quantity} == set(Prices.load().of)


def test_what_has_no_price_is_said(data: dict[str, Any]) -> None:
    with pytest.raises(Problem, match=r"cappuccinos has no price: add it to .*prices\.toml"):
        Prices.load().by_service({"cappuccinos": 1, "events": 1})


def test_every_price_says_when_and_where_it_was_found() -> None:
    prices = Prices.load()

    assert date(2026, 1, 1) <= prices.looked_up <= date.today() + timedelta(days=1)  # noqa: DTZ011 - of the table
    assert prices.region == "us-east-1"
    assert [name for name, price in prices.of.items() if not price.source and not price.unverified] == []


def test_a_price_that_nobody_vouches_for_is_marked(tmp_path: Path, data: dict[str, Any]) -> None:
    # Given a table with such a price
    table = tmp_path / "prices.toml"
    table.write_text(FILE.read_text().replace("[traces]\n", "[traces]\nunverified = true\n"))

    texts = {name: price.text for name, price in Prices.load(table).of.items()}

    # Then it has a mark, and no other
    assert {name for name, text in texts.items() if "(?)" in text} == {"traces"}
    assert texts["events"] == "$1.00 / 1,000,000 custom events of up to 64 KB"


def test_traces_are_one_a_second_and_five_percent_of_the_others() -> None:
    seconds = 365 / 12 * 86_400

    assert traced(1000) == 1000
    assert traced(seconds + 1000) == pytest.approx(seconds + 50)


def test_amounts_have_the_digits_that_count() -> None:
    assert [dollars(amount) for amount in (0, 1234.5, 0.01, 0.000_066, 0.0013)] == [
        "$0.00",
        "$1,234.50",
        "$0.01",
        "$0.000066",
        "$0.0013",
    ]


def test_the_tables_add_up(data: dict[str, Any]) -> None:
    made = section(json.loads(json.dumps(data)))

    amounts = [[float(cell.strip("*$").replace(",", "")) for cell in row[1::2]] for row in made.rows]
    for column in (0, 1):
        *services, everything, untraced = (row[column] for row in amounts)
        assert sum(services) == pytest.approx(everything, abs=0.05)
        # X-Ray's is the last of the services that they use
        assert untraced == pytest.approx(everything - services[-1], abs=0.02)


def test_without_anybody_what_is_fixed_is_less_by_the_metrics_that_nothing_sends(data: dict[str, Any]) -> None:
    made = section(json.loads(json.dumps(data)))
    (fixed,) = [one for one in made.more if one.name == "cost-fixed"]

    everything, remaining = (float(row[-1].strip("*$")) for row in fixed.rows[-2:])

    # Then it is 20 metrics at $0.30
    assert everything - remaining == pytest.approx(20 * 0.30, abs=0.02)


def test_more_volume_and_more_fan_out_cost_more(data: dict[str, Any]) -> None:
    business, prices = Business.of(data), Prices.load()

    by_volume = [prices.total(business.month(orders=number, with_fixed=True)) for number in (0, 1_000, 1_000_000)]
    by_fan_out = [prices.total(business.month(messages=1000, fan_out=number)) for number in (1, 10, 100, 1000)]
    assert by_volume == sorted(set(by_volume))
    assert by_fan_out == sorted(set(by_fan_out))


def test_without_the_durations_somebody_is_told_to_measure_them() -> None:
    with pytest.raises(Problem, match="what warm, broadcast has to measure"):
        cost.measure(Run(measured={"cold": {}}))


def total(data: dict[str, Any]) -> float:
    return Prices.load().total(Business.of(data).month(orders=1_000_000, messages=1_000_000))


def test_the_calls_that_are_counted_are_those_that_were_made_on_the_local_stack() -> None:
    measured = Report.load().measured
    warm = {logical_id_of(one["name"]): one["calls"] for one in measured["warm"]["functions"]}

    for what in ("order", "connection", "reconciliation", "message to 1"):
        for one in measured["cost"]["counted"][what]:
            calls = {call: count for call, count in one["calls"].items() if not call.startswith("payments:")}
            # Reserving an order's stock is told nobody.
            assert calls in (warm[one["function"]], {}), one["function"]
