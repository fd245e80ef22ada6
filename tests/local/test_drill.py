"""`storefront drill`: an incident, and the runbook's lines that mend it."""

import os
import pty
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tools import cli
from tools.console import INTERRUPTED, Problem
from tools.demo.api_client import ApiClient
from tools.drill.incident import DeadLetterAlarm, Incident
from tools.rehearsal.alarms import State
from tools.rehearsal.versions import Versions
from tools.stack.stack import ROOT, Stack

WITH_AWS = pytest.mark.skipif(shutil.which("aws") is None, reason="the runbook's lines need the aws command")


@pytest.fixture
def before(stack: Stack) -> Iterator[str]:
    """The version of the function before the drill; no dead letter waits."""
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["OrdersDeadLetterQueueUrl"])
    versions = Versions(stack, "process-orders")
    yield versions.current
    versions.point_to(versions.current)


def alarm_in(stack: Stack) -> dict[str, Any]:
    name = DeadLetterAlarm(stack).name
    described: dict[str, Any] = stack.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return described


def check_mended(stack: Stack, customer: ApiClient, before: str) -> None:
    assert Versions(stack, "process-orders").live() == before
    assert DeadLetterAlarm(stack).letters == 0
    assert alarm_in(stack)["StateValue"] == "OK"
    newest = customer.request("GET", "/orders").json()["items"][0]
    assert customer.settled(newest["orderId"])["status"] == "CONFIRMED"


@WITH_AWS
def test_the_lines_of_the_runbook_mend_the_incident(
    stack: Stack, state: Path, customer: ApiClient, before: str, capfd: pytest.CaptureFixture[str]
) -> None:
    cli.run("drill", "--solve", "--state", str(state))

    check_mended(stack, customer, before)
    shown = capfd.readouterr().out
    assert f"ALARM {alarm_in(stack)['AlarmName']}" in shown
    assert "docs/operations.md#dead-letters" in shown
    assert "aws lambda update-alias --function-name $FUNCTION" in shown


@WITH_AWS
def test_lines_that_do_not_mend_it_are_told_and_the_stack_is_mended(
    stack: Stack, state: Path, customer: ApiClient, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.drill.practice.ENTRIES", [])
    monkeypatch.setattr("tools.drill.practice._SOLVED_SECONDS", 1)

    with pytest.raises(Problem, match="the alias is on version"):
        cli.run("drill", "--solve", "--state", str(state))

    check_mended(stack, customer, before)


def test_the_incident_is_a_bad_release_a_dead_letter_and_an_alarm(stack: Stack, before: str) -> None:
    incident = Incident.begin(stack)

    try:
        assert Versions(stack, "process-orders").live() == incident.bad != before
        assert alarm_in(stack)["StateValue"] == State.ALARM
        assert [text.split(":")[0] for text in incident.missing()] == [
            f"the alias is on version {incident.bad}, which has the bug",
            "dead letters",
            "the order is PENDING",
            "the alarm is in ALARM",
        ]
    finally:
        incident.mend()


def test_a_drill_begins_only_where_no_dead_letter_waits(stack: Stack, before: str) -> None:
    sqs, url = stack.client("sqs"), stack.outputs["OrdersDeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="from before")

    with pytest.raises(Problem, match="dead letters of orders wait already"):
        Incident.begin(stack)

    assert Versions(stack, "process-orders").live() == before
    sqs.purge_queue(QueueUrl=url)


def test_giving_up_puts_everything_right(stack: Stack, state: Path, customer: ApiClient, before: str) -> None:
    _, terminal = pty.openpty()
    output = state / "drill.txt"
    command = [f"{ROOT}/.venv/bin/storefront", "drill", "--state", str(state)]
    with output.open("w") as file, subprocess.Popen(command, stdin=terminal, stdout=file, stderr=file) as drill:
        os.close(terminal)
        wait_until(lambda: "Ctrl-C gives up" in output.read_text(), "the drill waits for somebody", 60)
        drill.send_signal(signal.SIGINT)
        assert drill.wait(timeout=60) == INTERRUPTED

    check_mended(stack, customer, before)
    assert f"ORDER={customer.request('GET', '/orders').json()['items'][0]['orderId']}" in output.read_text()
