"""The probes: every function that is released has one, and none of them leaves a trace."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from storefront.orders import reconcile_orders
from storefront.rollout.function_version import Outcome
from storefront.rollout.probes import PROBES
from tools.testing.aws import Aws
from tools.testing.aws_calls import AwsCall, heard_by
from tools.testing.events import Context
from tools.testing.template import resources, source

# Hooks, and another company's service, are not released gradually.
HANDLERS = [
    function["Handler"]
    for function in resources("AWS::Serverless::Function", source()).values()
    if function.get("DeploymentPreference", {}).get("Enabled") is not False
]
# Probes that read nothing and send only a refusal.
HARMLESS = {"Query", "GetItem", "GetSecretValue", "GetParameter"}
# A frame that is refused is counted, in a row that soon expires, and answered to nobody; nobody's connection is closed.
OF_THE_CHAT = {"UpdateItem", "PostToConnection", "DeleteItem"}


def called(handler: str, event: Any) -> Outcome:
    """Call a handler as Lambda does."""
    module, _, function = handler.rpartition(".")
    try:
        answer = getattr(import_module(module), function)(json.loads(json.dumps(event)), Context())
    except Exception as error:
        return Outcome({"errorMessage": str(error), "errorType": type(error).__name__}, failed=True)
    return Outcome(json.loads(json.dumps(answer)))


@pytest.fixture
def operations(aws: Aws) -> Iterator[list[str]]:
    """The calls to AWS, in a shop with one product."""
    aws.add_product("MUG-001")
    asked: list[str] = []

    def hear(call: AwsCall) -> None:
        asked.append(call.operation)

    with heard_by(hear):
        yield asked


def test_every_function_that_is_released_has_a_probe_and_no_other() -> None:
    assert PROBES.keys() == set(HANDLERS)


@pytest.mark.parametrize("handler", HANDLERS)
def test_the_version_that_is_here_passes_its_probe_without_a_trace(
    aws: Aws, operations: list[str], handler: str
) -> None:
    probe = PROBES[handler]

    fault = probe.fault_in(called(handler, probe.event))

    assert fault is None
    asked = set(operations)
    assert asked <= HARMLESS | (OF_THE_CHAT if handler.startswith("storefront.chat.") else set())
    rows = aws.dynamodb.scan(TableName="ChatTable")["Items"]
    assert [row["sk"]["S"] for row in rows if not row["sk"]["S"].startswith("frames#")] == []


@pytest.mark.parametrize("handler", PROBES)
@pytest.mark.parametrize(
    "outcome",
    [
        Outcome({"errorMessage": "No module named 'x'", "errorType": "Runtime.ImportModuleError"}, failed=True),
        Outcome({"errorMessage": "Task timed out after 10.00 seconds"}, failed=True),
        Outcome({"answer": "wrong"}),
        Outcome({"statusCode": 418, "body": "{}"}),
        Outcome({"statusCode": 502}),
        Outcome({}),
        Outcome([]),
        Outcome(None),
        Outcome("text"),
    ],
    ids=str,
)
def test_a_wrong_outcome_is_a_fault(handler: str, outcome: Outcome) -> None:
    assert PROBES[handler].fault_in(outcome)


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_lambda_calls_a_failure_is_one_whatever_the_answer(aws: Aws, handler: str) -> None:
    probe = PROBES[handler]
    right = called(handler, probe.event)

    # An authorizer refuses by failing, so there it is the other way round.
    assert probe.fault_in(replace(right, failed=not right.failed))


def test_a_fault_says_what_was_expected_and_what_came() -> None:
    fault = PROBES["storefront.orders.process_orders.handler"].fault_in(Outcome({"batchItemFailures": ["x"]}))

    assert fault == 'expected no failed records, got {"batchItemFailures": ["x"]}'


def test_no_order_is_due_at_the_time_that_the_reconciler_is_told(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a table that notes which time it is asked about
    asked: list[int] = []
    monkeypatch.setattr(reconcile_orders._reviews, "due", lambda now: iter(asked.append(now.year) or []))

    called("storefront.orders.reconcile_orders.handler", PROBES["storefront.orders.reconcile_orders.handler"].event)
    called("storefront.orders.reconcile_orders.handler", {})

    assert asked == [1970, datetime.now(UTC).year]
