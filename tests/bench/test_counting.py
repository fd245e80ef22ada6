"""The counted calls are those that the functions are said to make."""

from typing import Any

import pytest

from tools.bench.cost import counting

POST = "apigatewaymanagementapi:PostToConnection"


@pytest.fixture(scope="session")
def counted() -> Any:
    """It takes some seconds: once for each process."""
    with pytest.MonkeyPatch.context() as patch:
        # A function does not have a person's environment.
        patch.delenv("POWERTOOLS_METRICS_NAMESPACE")
        return counting.counted([10, 50])


def calls_of(counted: Any, what: str, function: str) -> list[dict[str, int]]:
    return [step["calls"] for step in counted[what] if step["function"] == function]


def test_an_order_is_one_read_for_prices_one_write_and_one_send(counted: Any) -> None:
    assert calls_of(counted, "order", "PlaceOrderFunction") == [
        {"dynamodb:BatchGetItem": 1, "dynamodb:PutItem": 1, "sqs:SendMessage": 1}
    ]


def test_an_order_is_processed_in_three_calls_and_a_charge(counted: Any) -> None:
    (calls,) = calls_of(counted, "order", "ProcessOrdersFunction")

    assert calls["payments:POST"] == 1
    assert sum(calls.values()) <= 1 + 3


def test_two_of_an_orders_three_changes_are_told_and_each_reaches_its_customer(counted: Any) -> None:
    assert [step["events"] for step in counted["order"] if step["trigger"] == "stream"] == [1, 0, 1]
    assert [step["posted"] for step in counted["order"] if step["trigger"] == "bus"] == [1, 1]


@pytest.mark.parametrize("recipients", [10, 50])
def test_a_message_is_a_transaction_a_query_a_post_to_each_and_an_answer(counted: Any, recipients: int) -> None:
    assert calls_of(counted, f"message to {recipients}", "SendMessageFunction") == [
        {"dynamodb:TransactWriteItems": 1, "dynamodb:Query": 1, POST: recipients + 1}
    ]


def test_a_message_writes_three_items_and_checks_one_in_a_transaction_which_is_twice_the_units(counted: Any) -> None:
    assert [step["write_units"] for step in counted["message to 10"]] == [2 * 4]


def test_an_order_writes_its_item_and_both_indexes(counted: Any) -> None:
    place, process = counted["order"][:2]

    assert place["write_units"] == 1 + 2
    # Reserving: the order and two products, twice, and the index that has all of the order; confirming: the order, that
    # index, and what is taken out of the other.
    assert process["write_units"] == 2 * 3 + 1 + 1 + 1 + 1


def test_what_is_logged_is_counted(counted: Any) -> None:
    assert all(200 < step["log_bytes"] < 2000 for step in counted["order"][:2])


def test_configuration_read_at_first_use_is_not_part_of_a_request(counted: Any) -> None:
    services = {call.partition(":")[0] for steps in counted.values() for step in steps for call in step["calls"]}

    assert services == {"dynamodb", "sqs", "eventbridge", "payments", "apigatewaymanagementapi"}
