"""The command `replay`: which events, where, and what is shown of them. The target that answers is made up."""

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools import cli
from tools.console import Misuse, Problem, step
from tools.replay import command, sam
from tools.replay.cases import Case, Named, chosen, load
from tools.replay.command import Result, Verdict
from tools.replay.sam import OnAws, SamLocal
from tools.replay.target import Outcome
from tools.stack import functions, lifecycle
from tools.stack.functions import Function
from tools.stack.stack import ROOT, Stack, StackOnAws

CASES = load()
FUNCTION = Function(
    name="place-order",
    logical_id="PlaceOrderFunction",
    arn="arn:aws:lambda:us-east-1:123456789012:function:shop-PlaceOrderFunction-1",
    handler="storefront.orders.place_order.handler",
    timeout=10,
    memory=512,
    role="arn:aws:iam::123456789012:role/place-order",
    environment={"ORDERS_TABLE": "orders"},
)
READS, WRITES = "place-order/no-body", "place-order/good"
NEEDS_A_TOKEN = "authorize-partner/good"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("place-order/good", ["place-order/good"]),
        ("events/place-order/good.json", ["place-order/good"]),
        ("events/place-order/good.expected.json", ["place-order/good"]),
        ("leave-room/", [name for name in CASES if name.startswith("leave-room/")]),
        (None, list(CASES)),
        ("", list(CASES)),
    ],
)
def test_events_are_found_by_case_function_or_file(wanted: str | None, found: list[str]) -> None:
    assert [case.name for case in chosen(wanted, CASES)] == found


def test_who_asks_for_an_event_that_there_is_not_is_told_the_nearest() -> None:
    with pytest.raises(Misuse, match=r"no event is called 'place-ordr/good': did you mean place-order/good or "):
        chosen("place-ordr/good", CASES)
    with pytest.raises(Misuse, match="the folders of events/"):
        chosen("?", CASES)


def test_a_case_comes_with_those_that_it_builds_on_and_those_that_they_build_on() -> None:
    chain = [case.name for case in CASES["send-message/good"].chain]

    assert set(chain) == {"send-message/good", "join-room/own-order", "open-connection/good", "place-order/good"}
    assert chain[-1] == "send-message/good"


NAMED = Named(CASES.values())


@pytest.mark.parametrize(
    "keys",
    [
        ("5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e11", "ord-of-the-customer"),
        ("connection#Kx7Q2eLxIAMCJVA=", "connection"),
        ("room#support", "member#Kx7Q2eLxIAMCJVA="),
        ("room#order-ord-34covz7jsyepsy2u5uwdgxnssxciwktt", "message#1"),
        ("sender#5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e11", "m-1"),
        ("order#ord-34covz7jsyepsy2u5uwdgxnssxciwktt", "version"),
        ("ord-34covz7jsyepsy2u5uwdgxnssxciwktt",),
        ("sample-approved",),
    ],
)
def test_whatever_is_stored_for_those_whom_the_events_name_is_known(keys: tuple[str, ...]) -> None:
    assert NAMED.has(*keys)


@pytest.mark.parametrize("keys", [("partner/acme00000001", "ord-of-the-partner"), ("acme00000001", "PO-2026-0001")])
def test_whatever_is_stored_for_a_partner_of_the_events_is_known(keys: tuple[str, ...]) -> None:
    assert NAMED.has(*keys)


@pytest.mark.parametrize(
    "keys",
    [
        ("room#support", "message#0123456789ab-0123456789abcdef"),
        ("room#support", "member#Another0fIAMCJVA="),
        ("0d2c4b6a-0000-4b8e-9a53-1d2f7c0b9e11", "ord-" + "b" * 32),
        ("room#order-ord-" + "b" * 32, "message#1"),
    ],
)
def test_what_is_stored_for_others_is_not_touched(keys: tuple[str, ...]) -> None:
    assert not NAMED.has(*keys)


class Scripted:
    """A target that has some differences up its sleeve."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def why_not(self, case: Case, /) -> str | None:
        return "it writes" if case.name == WRITES else None

    def replay(self, case: Case) -> Iterator[str]:
        with self._log.open("a") as log:
            log.write(f"a line of {case.name}\n")
        if case.name == READS:
            yield f"{case.name}: answer.statusCode: expected 400, got 500"
        if case.name == "get-order/unknown":
            raise Problem("the process of get-order has ended")


@pytest.fixture
def scripted(tmp_path: Path) -> list[Result]:
    log = tmp_path / "replay.log"
    log.write_text("")
    wanted = [CASES[name] for name in (READS, WRITES, "get-product/good")]
    with step("replay") as current:
        return list(command.replayed(wanted, Scripted(log), log, current))


def test_each_case_has_its_verdict_and_its_own_lines_of_the_log(scripted: list[Result]) -> None:
    assert [result.verdict for result in scripted] == [Verdict.DIFFERENT, Verdict.LEFT_OUT, Verdict.EXPECTED]
    assert [result.logged for result in scripted] == [f"a line of {READS}\n", "", "a line of get-product/good\n"]


def test_a_case_without_any_answer_keeps_no_other_from_being_replayed(tmp_path: Path) -> None:
    log = tmp_path / "replay.log"
    log.write_text("")
    wanted = [CASES["get-order/unknown"], CASES["get-product/good"]]

    with step("replay") as current:
        results = list(command.replayed(wanted, Scripted(log), log, current))

    assert [result.verdict for result in results] == [Verdict.DIFFERENT, Verdict.EXPECTED]
    assert results[0].lines == ("the process of get-order has ended",)


def test_differences_stand_under_their_case(scripted: list[Result], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()

    command.show(scripted, verbose=False)

    assert capsys.readouterr().out.splitlines() == [
        "case                 result",
        "place-order/no-body  different",
        "  answer.statusCode: expected 400, got 500",
        "place-order/good     left out",
        "  it writes",
        "get-product/good     as expected",
    ]


def test_what_functions_log_is_shown_to_who_asks(scripted: list[Result], capsys: pytest.CaptureFixture[str]) -> None:
    command.show(scripted, verbose=True)

    assert "a line of get-product/good" in capsys.readouterr().out


def fake_sam(directory: Path, script: str) -> list[str]:
    """Return a command that stands in for the SAM CLI: it writes its arguments down, and runs the script."""
    path = directory / "sam"
    path.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys\n"
        f"pathlib.Path({str(directory / 'called')!r}).write_text(json.dumps(sys.argv[1:]))\n{script}\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return [str(path)]


def stack_on_aws(stage: str) -> StackOnAws:
    url = f"https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/{stage}"
    outputs = {"RestApiUrl": url, "UserPoolClientId": "the-client"}
    return StackOnAws(endpoint="", region="eu-central-1", credentials={}, outputs=outputs, users={}, name="shop")


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {case.function for case in CASES.values()} - {"payments-sandbox"}
    found = {name: Function(**{**vars(FUNCTION), "name": name}) for name in names}
    monkeypatch.setattr(sam, "deployed", lambda stack: found)


@pytest.mark.usefixtures("deployed")
def test_a_stack_on_aws_is_called_through_its_alias_and_only_what_is_the_same_everywhere_counts(tmp_path: Path) -> None:
    payload = json.dumps(CASES[READS].answer | {"body": json.dumps(CASES[READS].answer["body"]["$json"])})
    answer = {"StatusCode": 200, "Payload": payload, "LogResult": base64.b64encode(b"a line\n").decode()}
    log = tmp_path / "log"
    target = OnAws(stack_on_aws("dev"), log, sam=fake_sam(tmp_path, f"print({json.dumps(answer)!r})"))

    assert list(target.replay(CASES[READS])) == []

    called = json.loads((tmp_path / "called").read_text())
    assert called[:5] == ["remote", "invoke", "PlaceOrderFunction", "--stack-name", "shop"]
    assert called[-4:] == ["--output", "json", "--parameter", "Qualifier=live"]
    assert log.read_text() == "a line\n"


@pytest.mark.usefixtures("deployed")
def test_a_call_that_fails_is_told_with_the_last_line_of_the_sam_cli(tmp_path: Path) -> None:
    sam = fake_sam(tmp_path, 'sys.exit("Error: no credentials")')

    with pytest.raises(Problem, match="PlaceOrderFunction: Error: no credentials"):
        list(OnAws(stack_on_aws("dev"), tmp_path / "log", sam=sam).replay(CASES[READS]))


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (READS, None),
        ("authorize-partner/unknown", None),
        (WRITES, "it writes: --yes replays it, too"),
        ("get-order/other-customer", "it writes: --yes replays it, too"),
        ("reconcile-orders/scheduled", "it writes: --yes replays it, too"),
        (NEEDS_A_TOKEN, "only on the local stack there is ${PartnerToken}"),
        ("payments-sandbox/look-up", "the stack has no such function"),
        ("post-traffic-hook/good", "it needs a deployment of CodeDeploy"),
        ("deliver-order-status/open-chat", "it needs an open connection"),
        ("place-order/payment-fails", "it would leave a dead letter behind"),
        ("process-orders/payment-fails", "it would leave a dead letter behind"),
    ],
)
def test_on_aws_unasked_only_what_reads_is_replayed(tmp_path: Path, name: str, reason: str | None) -> None:
    assert OnAws(stack_on_aws("dev"), tmp_path / "log").why_not(CASES[name]) == reason


@pytest.mark.usefixtures("deployed")
def test_who_asks_for_it_gets_what_writes_too_but_never_in_prod(tmp_path: Path) -> None:
    asked = [OnAws(stack_on_aws(stage), tmp_path / "log", may_charge=True) for stage in ("dev", "prod")]

    assert [target.why_not(CASES[WRITES]) for target in asked] == [None, "it writes, and this is prod"]
    assert [target.why_not(CASES[READS]) for target in asked] == [None, None]


@pytest.mark.usefixtures("deployed")
def test_prod_is_refused_unless_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"shop is prod: .*--yes"):
        OnAws(stack_on_aws("prod"), tmp_path / "log")


def test_sam_local_is_called_with_its_configuration_and_answers_with_its_last_line(tmp_path: Path) -> None:
    script = "print('START')\nprint(json.dumps({'statusCode': 200}))\nprint('a line', file=sys.stderr)"
    stack = Stack("http://127.0.0.1:1", "us-east-1", {"accessKeyId": "a", "secretAccessKey": "b"}, {}, {})
    log = tmp_path / "log"
    sam = SamLocal(stack, {"place-order": FUNCTION}, tmp_path / "config.toml", log, fake_sam(tmp_path, script))

    assert sam.invoke("place-order", {"a": 1}).answer == {"statusCode": 200}

    called = json.loads((tmp_path / "called").read_text())
    assert called[:4] == ["local", "invoke", "PlaceOrderFunction", "--event"]
    assert called[-2:] == ["--config-file", str(tmp_path / "config.toml")]
    assert log.read_text() == "a line\n"


def test_sam_local_that_gives_no_answer_is_a_problem(tmp_path: Path) -> None:
    stack = Stack("http://127.0.0.1:1", "us-east-1", {"accessKeyId": "a", "secretAccessKey": "b"}, {}, {})
    sam = SamLocal(stack, {"place-order": FUNCTION}, tmp_path / "c", tmp_path / "log", fake_sam(tmp_path, ""))

    with pytest.raises(Problem, match="PlaceOrderFunction gave no answer"):
        sam.invoke("place-order", {})


def test_of_an_error_only_what_it_says_is_compared() -> None:
    error = {"errorMessage": "Unauthorized", "errorType": "Exception", "requestId": "r", "stackTrace": []}

    assert Outcome.told(error).answer == {"errorMessage": "Unauthorized", "errorType": "Exception"}
    assert Outcome.told({"statusCode": 200}).answer == {"statusCode": 200}
    assert Outcome.told(None).answer is None


class Recorded:
    """The answers of CloudFormation, Lambda and STS about a stack with one function."""

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[Any]:
        resource = {
            "LogicalResourceId": FUNCTION.logical_id,
            "PhysicalResourceId": "shop-PlaceOrderFunction-1",
            "ResourceType": "AWS::Lambda::Function",
            "ResourceStatus": "CREATE_COMPLETE",
        }
        return [{"StackResourceSummaries": [resource]}]

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        return {
            "LoggingConfig": {"LogGroup": "/aws/lambda/shop/place-order"},
            "FunctionArn": FUNCTION.arn,
            "Handler": FUNCTION.handler,
            "Timeout": FUNCTION.timeout,
            "MemorySize": FUNCTION.memory,
            "Role": FUNCTION.role,
            "Environment": {"Variables": FUNCTION.environment},
        }

    def assume_role(self, **_: Any) -> dict[str, Any]:
        return {"Credentials": {"AccessKeyId": "role-key", "SecretAccessKey": "role-secret", "SessionToken": "token"}}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(Stack, "client", lambda self, service: Recorded())
    return Stack("http://127.0.0.1:1", "us-east-1", {"accessKeyId": "test", "secretAccessKey": "test"}, {}, {})


def test_a_function_is_known_as_it_is_deployed(recorded: Stack) -> None:
    assert functions.deployed(recorded) == {"place-order": FUNCTION}


def test_a_process_outside_of_lambda_has_the_function_s_environment_and_role_and_reaches_no_account(
    recorded: Stack,
) -> None:
    environment = functions.process_environment(FUNCTION, recorded)

    assert (
        environment.items()
        >= {
            "ORDERS_TABLE": "orders",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_LAMBDA_FUNCTION_NAME": "shop-PlaceOrderFunction-1",
            "AWS_ACCESS_KEY_ID": "role-key",
            "AWS_SESSION_TOKEN": "token",
            "AWS_CONFIG_FILE": os.devnull,
        }.items()
    )


@pytest.mark.parametrize(
    "words",
    [("place-ordr",), ("--target", "aws"), ("--stack", "shop"), ("--target", "sam", "--stack", "shop")],
)
def test_what_does_not_go_together_is_refused_with_exit_code_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tools", "replay", *words, "--state", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(("found", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_says_whether_all_is_as_expected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: bool, code: int
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(command, "run", lambda event, state, **options: asked.append((event, options)) or found)

    try:
        cli.run("replay", "place-order", "--state", str(tmp_path))
    except SystemExit as end:
        assert end.code == code
    else:
        assert code == 0
    assert asked == [("place-order", {"target": "in-process", "stack": None, "may_charge": False, "verbose": False})]


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="make up"):
        command.run("place-order/good", tmp_path)
    assert not lifecycle.Emulator(tmp_path).is_running()
