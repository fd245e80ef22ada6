"""Every sample event, on a running stack: as the functions' roles, beside the stack's own consumers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Books, Typed
from tests.support.waiting import wait_until
from tools import cli
from tools.console import Problem
from tools.replay import command
from tools.replay.cases import load
from tools.replay.credentials import CUSTOMER, PARTNER
from tools.replay.in_process import Processes, in_process
from tools.replay.target import Target
from tools.replay.world import World
from tools.stack.functions import deployed
from tools.stack.stack import Stack

CASES = load()
ORDERED = CASES["place-order/good"]


@contextmanager
def target_on(stack: Stack, state: Path) -> Iterator[Target]:
    functions = deployed(stack)
    world = World(stack, functions, CASES)
    log = state / "replay.log"
    log.write_bytes(b"")
    with world.prepared(state), Processes(stack, functions, log) as processes:
        yield in_process(world, processes)


def product(stack: Stack, sku: str) -> dict[str, Any]:
    table = stack.outputs["ProductsTableName"]
    item: dict[str, Any] = stack.client("dynamodb").get_item(TableName=table, Key={"sku": {"S": sku}})["Item"]
    return item


def change_product(stack: Stack, sku: str, name: str, value: int) -> None:
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["ProductsTableName"],
        Key={"sku": {"S": sku}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": {"N": str(value)}},
    )


def orders_of_the_events(books: Books) -> list[str]:
    return [order["status"]["S"] for order in books.orders().values() if order["customerId"]["S"] == CUSTOMER]


def test_every_event_gets_the_answer_beside_it_and_again_on_a_stack_in_use(
    stack: Stack, state: Path, books: Books, typed: Typed
) -> None:
    # Given: somebody has edited a product, and bought all of another
    change_product(stack, "RULER-001", "version", 3)
    stock = int(product(stack, "MUG-001")["stock"]["N"])
    change_product(stack, "MUG-001", "stock", 0)

    with target_on(stack, state) as target:
        # And: the sample order was placed by hand, and the stack has processed it
        assert list(target.replay(ORDERED)) == []
        books.send(ORDERED.sends[0]["queue"]["$json"])
        wait_until(lambda: orders_of_the_events(books) == ["CONFIRMED"], "the stack's own consumer")

        # When, then
        assert [line for case in CASES.values() for line in target.replay(case)] == []
    assert f"{len(CASES)} cases: {len(CASES)} as expected, 0 different, 0 left out" in typed("storefront replay")

    # And no trace of it is left, and the catalogue is as it was
    assert orders_of_the_events(books) == []
    assert PARTNER not in {partner["partnerId"]["S"] for partner in books.scan("PartnersTableName")}
    assert product(stack, "RULER-001")["version"] == {"N": "3"}
    assert "ZIPPER-001" not in {item["sku"]["S"] for item in books.scan("ProductsTableName")}
    change_product(stack, "MUG-001", "stock", stock)


def test_what_a_role_may_not_send_is_refused(stack: Stack, state: Path) -> None:
    # Given: a role that may do the same, but not in another stack's queue
    functions = deployed(stack)
    function = functions["process-partner-orders"]
    elsewhere = {"ORDERS_QUEUE_URL": function.environment["ORDERS_QUEUE_URL"] + "-of-another-stack"}
    functions["process-partner-orders"] = replace(function, environment=function.environment | elsewhere)
    case = CASES["process-partner-orders/good"]

    with Processes(stack, functions, state / "replay.log") as processes:
        outcome = processes.invoke(case.function, case.event)

    assert outcome.sends == []
    assert outcome.answer == {"batchItemFailures": [{"itemIdentifier": case.event["Records"][0]["messageId"]}]}


def test_what_a_role_may_not_write_is_refused(stack: Stack, state: Path) -> None:
    # Given: the code of one function under the role of another, which only reads
    functions = deployed(stack)
    functions["open-connection"] = replace(functions["open-connection"], role=functions["get-order"].role)

    with Processes(stack, functions, state / "replay.log") as processes:
        outcome = processes.invoke("open-connection", CASES["open-connection/good"].event)

    assert outcome.answer == {"statusCode": 500}
    assert "not authorized to perform: dynamodb:UpdateItem" in (state / "replay.log").read_text()


def test_a_changed_expectation_is_shown_under_its_case_and_ends_with_1(
    stack: Stack, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "answer-ping/good"
    changed = replace(CASES[name], answer={"statusCode": 204})
    monkeypatch.setattr(command, "load", lambda: CASES | {name: changed})

    with pytest.raises(SystemExit) as end:
        cli.run("replay", "answer-ping", "--state", str(state))

    assert end.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index(f"{name}            different") + 1] == "  answer.statusCode: expected 204, got 200"
    assert lines[-2].startswith("3 cases: 2 as expected, 1 different, 0 left out, in ")
    assert lines[-1] == f"what the functions have logged: {state / 'replay.log'}"


def test_two_replays_do_not_get_into_each_others_way(stack: Stack, state: Path) -> None:
    with target_on(stack, state), pytest.raises(Exception, match="by another command"), target_on(stack, state):
        pass


def test_an_event_that_there_is_not_is_refused(state: Path) -> None:
    with pytest.raises(Exception, match="did you mean place-order/good"):
        cli.run("replay", "place-order/god", "--state", str(state))


def test_a_function_that_cannot_be_imported_is_named_and_keeps_no_other_from_being_replayed(
    stack: Stack, state: Path
) -> None:
    functions = deployed(stack)
    broken = functions | {"get-order": replace(functions["get-order"], handler="storefront.orders.no_such.handler")}

    with Processes(stack, broken, state / "replay.log") as processes:
        with pytest.raises(Problem, match="the process of get-order has ended"):
            processes.invoke("get-order", {})
        answer = processes.invoke("get-product", CASES["get-product/good"].event).answer

    assert answer["statusCode"] == 200
