"""Other people's words are printed without characters that a terminal obeys, and not read as markup by rich."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from payments import payments_sandbox
from tools.console import Problem, Step, problems_reported, say_json, say_table
from tools.demo.terminal import as_line
from tools.ops.order_story import LogLine, Story
from tools.ops.redrive import DeadLetterQueue, _show
from tools.stack.logs import readable
from tools.testing.events import Context

FOREIGN = "\x1b]0;owned\x07\x9b2J\u202egnp [bold]loud[/bold]\ud800" + "x" * 50_000
LETTER = {"MessageId": "m-1", "Body": FOREIGN, "Attributes": {"SentTimestamp": "0"}}
ATTRIBUTE = {"MessageAttributes": {"a": {"StringValue": FOREIGN}}}
SENDER = {"name": FOREIGN, "group": "customer"}
SAID = {"event": "message", "room": "support", "sender": SENDER, "text": FOREIGN, "sentAt": "2026-11-20T12:00:00Z"}


def reported() -> None:
    with pytest.raises(SystemExit), problems_reported():
        raise Problem(FOREIGN)


def story() -> None:
    lines = [LogLine(0, "f", "INFO", FOREIGN, FOREIGN, {"reason": FOREIGN})]
    order = {"status": FOREIGN, "currency": FOREIGN, "lines": [{"unitPrice": 1, "quantity": 1, "sku": FOREIGN}]}
    print(*Story("ord-1", order, {"status": FOREIGN}, {}, {"orders": [FOREIGN]}, [FOREIGN], lines).shown(), sep="\n")


PRINTERS: dict[str, Callable[[], object]] = {
    "table": lambda: say_table("head", rows=[(FOREIGN,)]),
    "step": lambda: Step(FOREIGN).progress(FOREIGN),
    "json": lambda: say_json({"text": FOREIGN}),
    "problem": reported,
    "order": story,
    "redrive": lambda: _show(DeadLetterQueue("orders", "", None), [LETTER | ATTRIBUTE], [LETTER | ATTRIBUTE]),
    "log line": lambda: print(readable(FOREIGN)),
    "log record": lambda: print(readable(json.dumps({"level": FOREIGN, "message": FOREIGN, FOREIGN: FOREIGN}))),
    "log of another shape": lambda: print(readable(json.dumps({"_aws": FOREIGN, "message": FOREIGN}))),
    "chat": lambda: print(as_line(SAID)),
    "chat error": lambda: print(as_line({"event": "error", "status": FOREIGN, "title": FOREIGN, "detail": FOREIGN})),
    "gateway": lambda: print(as_line({"message": FOREIGN})),
}


@pytest.mark.parametrize("printer", PRINTERS.values(), ids=PRINTERS)
def test_foreign_text_is_shown_and_not_obeyed(
    printer: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    printer()

    printed = "".join(capsys.readouterr())
    assert not {character for character in printed if not character.isprintable()} - {"\n"}
    assert "[bold]" in printed or printer is PRINTERS["step"]
    assert len(printed) < 70_000


def test_nobody_can_write_the_mark_of_staff() -> None:
    staff, other = (
        as_line({**SAID, "sender": {"name": name, "group": group}})
        for name, group in (("Sue", "support"), ("staff Sue (support)", "customer"))
    )

    assert staff.startswith("staff ")
    assert not other.startswith("staff ")


@pytest.mark.parametrize(
    ("headers", "logged"),
    [
        ({"idempotency-key": FOREIGN}, None),
        ({"idempotency-key": "stranger"}, None),
        ({"authorization": "Bearer \ud800", "idempotency-key": "stranger"}, None),
        ({"authorization": "Bearer payments-secret-value", "idempotency-key": FOREIGN}, None),
        ({"authorization": "Bearer payments-secret-value", "idempotency-key": "ord-1"}, "ord-1"),
    ],
)
def test_the_sandbox_logs_checked_keys_of_callers_that_it_knows(
    headers: dict[str, Any], logged: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(payments_sandbox, "_secret", lambda: "payments-secret-value")

    payments_sandbox.handler(
        {"headers": headers, "rawPath": "/x", "requestContext": {"http": {"method": "GET"}}}, Context()
    )

    assert json.loads(capsys.readouterr().out)["idempotency_key"] == logged
