"""Warm functions: what is counted of them, and what is told of those that fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.conftest import MakeFunction
from tools.bench import warm
from tools.bench.figure import Figure
from tools.bench.gateway import gateway
from tools.bench.in_function.observed import Observer
from tools.bench.process import Handle, Handled, Runnable, Workers
from tools.console import Problem

GETS_TWO = """
import boto3, threading
dynamodb = boto3.client("dynamodb")
def get():
    dynamodb.get_item(TableName="T", Key={"k": {"S": "1"}})
def handler(event, context):
    print("a print is not an answer", flush=True)
    threads = [threading.Thread(target=get) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return {"statusCode": 200, "name": context.function_name, "left": context.get_remaining_time_in_millis()}
"""


@pytest.fixture
def handle(make_function: MakeFunction, tmp_path: Path) -> Iterator[Handle]:
    """A function that gets two items at once, where each answer takes a tenth of a second."""
    with gateway(100) as url:
        runnable = make_function(GETS_TWO)
        environment = {**runnable.environment, "AWS_ENDPOINT_URL": url}
        runnable = Runnable(runnable.function, runnable.package, environment)
        with Workers({"a-function": runnable}, tmp_path) as started:
            yield started["a-function"]


def handled(calls: dict[str, int], seconds: float = 0.02, waited: float = 0.015) -> Handled:
    return Handled({"statusCode": 200}, seconds, waited, calls)


def test_calls_are_counted_and_the_time_of_waiting_is_told_apart(handle: Handle) -> None:
    first, second = handle({}), handle({})

    assert first.calls == second.calls == {"dynamodb:GetItem": 2}
    assert second.answer["statusCode"] == 200
    assert second.answer["name"] == "testing"
    assert 0 < second.answer["left"] <= 10_000
    # Both at once.
    assert 0.1 <= second.waited < second.seconds


def test_time_in_which_several_answers_are_waited_for_counts_once() -> None:
    observer = Observer()
    observer.waits = [(3.0, 4.0), (1.0, 2.0), (1.5, 2.5), (1.6, 1.7)]

    assert observer.waited() == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def handler(event, context): raise KeyError('the-name')", "a-function fails: KeyError: 'the-name'"),
        ("import nowhere_at_all", "a-function fails: .*nowhere_at_all"),
    ],
)
def test_what_fails_is_told_with_its_function(
    make_function: MakeFunction, tmp_path: Path, code: str, told: str
) -> None:
    with (
        Workers({"a-function": make_function(code)}, tmp_path) as started,
        pytest.raises(Problem, match=told),
    ):
        started["a-function"]({})


def test_what_the_first_request_reads_of_the_configuration_is_apart() -> None:
    first = handled({"dynamodb:Query": 1, "secrets-manager:GetSecretValue": 1}, seconds=9)
    others = [handled({"dynamodb:Query": 1}, seconds) for seconds in (0.02, 0.04, 0.03)]

    function = warm.Function.of("list-products", first, others)

    assert (function.calls, function.configuration) == ({"dynamodb:Query": 1}, {"secrets-manager:GetSecretValue": 1})
    assert function.time == Figure(30, 20, 40, "ms", 3)
    assert function.own.median == pytest.approx(15)


def test_requests_of_one_kind_that_make_different_calls_are_a_problem() -> None:
    others = [handled({"dynamodb:Query": 1}), handled({"dynamodb:Query": 2})]

    with pytest.raises(Problem, match="list-orders makes different calls"):
        warm.Function.of("list-orders", others[0], others)
