"""The work of an operator: follow one order, move dead letters, run the lines of the runbook."""

import json
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Books
from tests.local.test_partners import hand_in, outcome
from tests.support.waiting import wait_until
from tools import cli
from tools.demo.api_client import ApiClient
from tools.ops import order_story, redrive
from tools.ops.order_story import Story
from tools.ops.partners import caller
from tools.stack.stack import ROOT, Stack

ON_THE_WAY = {"process-orders", "publish-order-events", "deliver-order-status"}
COMMANDS = sorted(set(re.findall(r"^storefront .*$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)))


def run(state: Path, command: str) -> str:
    """Return what a command prints that runs on the tests' stack."""
    words = [".venv/bin/storefront", *command.split()[1:], "--state", str(state)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def _no_long_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator does not spread messages over servers that a short poll would miss."""
    monkeypatch.setattr(redrive, "_POLL_SECONDS", 0)


@pytest.fixture(scope="module")
def confirmed(customer: ApiClient, books: Books) -> str:
    """An order that has gone its whole way."""
    order_id: str = customer.order({books.sell(): 2}).json()["orderId"]
    assert customer.settled(order_id)["status"] == "CONFIRMED"
    return order_id


def story_with(stack: Stack, order_id: str, functions: set[str]) -> Story:
    """Tell an order's story as soon as functions have logged that they are done with it."""

    def told() -> Story | None:
        story = order_story.of(stack, order_id)
        statuses = [line for line in story.lines if line.function == "deliver-order-status"]
        # The last step of all: the outcome, after the acceptance, is told to the customer.
        return story if functions <= {line.function for line in story.lines} and len(statuses) >= 2 else None

    return wait_until(told, f"{functions} have logged", 30)


def test_the_correlation_id_of_a_request_is_in_the_log_of_every_function_the_order_passes(
    stack: Stack, customer: ApiClient, books: Books, confirmed: str
) -> None:
    story = story_with(stack, confirmed, ON_THE_WAY)

    assert story.order is not None
    correlation_id = story.order["correlationId"]
    carrying = {line.function for line in story.lines if line.correlation_id == correlation_id}
    assert carrying == {"rest-api", "place-order", *ON_THE_WAY}
    # The provider is somebody else: it knows the order's id only.
    assert {line.function for line in story.lines} - carrying == {"payments-sandbox"}
    assert correlation_id == books.order(customer, confirmed)["correlationId"]["S"]


def test_a_partners_order_keeps_the_id_it_came_in_with(stack: Stack, books: Books) -> None:
    partner, reference = caller(stack, "gold"), f"PO-{uuid.uuid4()}"
    hand_in(partner, reference, books.sell())
    order_id = outcome(partner, reference, "CONFIRMED")["orderId"]

    story = story_with(stack, order_id, ON_THE_WAY)

    assert story.order is not None
    carrying = {line.function for line in story.lines if line.correlation_id == story.order["correlationId"]}
    # The access log has the request's id, as the message to the queue did.
    assert carrying == {"rest-api", "process-partner-orders", *ON_THE_WAY}


def test_the_story_of_an_order_is_one_screen_and_names_nobody(
    stack: Stack, state: Path, customer: ApiClient, confirmed: str
) -> None:
    story_with(stack, confirmed, ON_THE_WAY)

    shown = run(state, f"storefront order {confirmed}")

    assert "CONFIRMED" in shown
    assert "status=approved" in shown
    assert "OrderAccepted, OrderConfirmed" in shown
    assert len(shown.splitlines()) < 40
    assert "\033" not in shown, "colour is for terminals"
    assert stack.users["customer"].email not in shown


def test_the_story_is_there_for_scripts(stack: Stack, state: Path, confirmed: str) -> None:
    story = json.loads(run(state, f"storefront order {confirmed} --json"))

    assert (story["order"]["status"], story["charge"]["status"]) == ("CONFIRMED", "approved")
    moments = [line["timestamp"] for line in story["lines"]]
    assert moments == sorted(moments)


def test_an_order_that_is_not_there_has_a_story_too(stack: Stack) -> None:
    story = order_story.of(stack, f"ord-{'a' * 32}", "nobody")

    assert story.order is story.charge is None


@pytest.fixture
def dead_letters(books: Books, confirmed: str) -> Iterator[Callable[[], list[str]]]:
    """Two letters: one about an order that has settled, which does no harm, and one that nobody can read."""
    url = books.stack.outputs["OrdersDeadLetterQueueUrl"]
    letter = {"schemaVersion": 1, "customerId": customer_of(books, confirmed), "orderId": confirmed}
    poison = f"poison {uuid.uuid4()}"
    mine = {json.dumps(letter), poison}
    attributes = {"correlationId": {"DataType": "String", "StringValue": f"redriven-{poison[-12:]}"}}
    for body in mine:
        books.sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)

    def left() -> list[str]:
        received: list[dict[str, Any]] = []
        while batch := books.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            received += batch
        for message in received:
            books.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in received if message["Body"] in mine]

    yield left
    left()


def customer_of(books: Books, order_id: str) -> str:
    customer_id: str = books.orders()[order_id]["customerId"]["S"]
    return customer_id


def test_dead_letters_are_moved_back_and_processed(
    stack: Stack, state: Path, confirmed: str, dead_letters: Callable[[], list[str]]
) -> None:
    looked = run(state, "storefront redrive orders")
    moved = run(state, f"storefront redrive orders --match {confirmed} --yes")

    assert "orders: 2 dead letters" in looked
    assert "moved 1 of 1, skipped 1, failed 0" in moved
    (left,) = dead_letters()
    assert left.startswith("poison")

    def processed() -> bool:
        lines = order_story.of(stack, confirmed).lines
        return any(str(line.correlation_id).startswith("redriven-") for line in lines)

    wait_until(processed, "the letter is processed, under the correlation id it had", 30)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_runbook_runs(
    state: Path, confirmed: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # In here: a process for each command takes longer than the command
    cli.run(*command.replace("$ORDER", confirmed).split()[1:], "--state", str(state))

    assert capsys.readouterr().out or command.startswith("storefront logs")
