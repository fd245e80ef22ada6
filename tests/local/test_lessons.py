"""Every lesson of the course, run by the course's own runner: each answer is the one that its page names."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tools import cli
from tools.console import Problem
from tools.lessons import deployment, page, runner
from tools.lessons.page import Lesson
from tools.stack.emulator import Emulator
from tools.stack.stack import ROOT, Stack

COMMAND = (sys.executable, "-m", "tools", "lesson")
# A lesson of the tests' own.
TEXT = """\
# 99. A test

> **1 minutes.** Nothing.

## 1. A name

```console
$ NAME=$STREET; echo $NAME
<NAME> street
```

## 2. Wait

```console
$ echo started > "$MARK"; sleep 50
```
"""
TEMPLATE = """\
Resources:
  Queue: {Type: AWS::SQS::Queue}
Outputs:
  Street: {Value: Long street}
  QueueUrl: {Value: !Ref Queue}
"""
UNDEPLOYABLE = """\
Resources:
  Good: {Type: AWS::SQS::Queue}
  Bad: {Type: AWS::SQS::Queue, Properties: {QueueName: !ImportValue no}}
"""


@pytest.fixture
def own(tmp_path: Path, stack: Stack) -> Iterator[Lesson]:
    lesson = Lesson(tmp_path / "99-own")
    lesson.directory.mkdir()
    lesson.page.write_text(TEXT)
    (lesson.directory / "template.yaml").write_text(TEMPLATE)
    yield lesson
    deployment.take_down(stack, lesson)


@pytest.fixture
def found(own: Lesson, monkeypatch: pytest.MonkeyPatch) -> Lesson:
    monkeypatch.setattr(page, "FOLDER", own.directory.parent)
    return own


def owned(stack: Stack) -> set[str]:
    """The names of everything of a kind that lessons make, beside what belongs to the shop."""
    lists: dict[tuple[str, str], Callable[[Any], Any]] = {
        ("cloudformation", "list_stacks"): lambda answer: [
            one["StackName"] for one in answer["StackSummaries"] if one["StackStatus"] != "DELETE_COMPLETE"
        ],
        ("lambda", "list_functions"): lambda answer: [one["FunctionName"] for one in answer["Functions"]],
        ("lambda", "list_event_source_mappings"): lambda answer: [one["UUID"] for one in answer["EventSourceMappings"]],
        ("apigateway", "get_rest_apis"): lambda answer: [one["id"] for one in answer["items"]],
        ("apigateway", "get_api_keys"): lambda answer: [one["id"] for one in answer["items"]],
        ("apigateway", "get_usage_plans"): lambda answer: [one["id"] for one in answer["items"]],
        ("sqs", "list_queues"): lambda answer: answer.get("QueueUrls", []),
        ("dynamodb", "list_tables"): lambda answer: answer["TableNames"],
        ("stepfunctions", "list_state_machines"): lambda answer: [one["name"] for one in answer["stateMachines"]],
        ("events", "list_rules"): lambda answer: [one["Name"] for one in answer["Rules"]],
        ("iam", "list_roles"): lambda answer: [one["RoleName"] for one in answer["Roles"]],
        ("iam", "list_users"): lambda answer: [one["UserName"] for one in answer["Users"]],
        ("logs", "describe_log_groups"): lambda answer: [one["logGroupName"] for one in answer["logGroups"]],
        ("cognito-idp", "list_user_pools"): lambda answer: [one["Id"] for one in answer["UserPools"]],
    }
    options = {"list_user_pools": {"MaxResults": 60}, "get_rest_apis": {"limit": 500}}
    return {
        f"{service} {name}"
        for (service, call), names in lists.items()
        for name in names(getattr(stack.client(service), call)(**options.get(call, {})))
    }


@pytest.mark.parametrize("lesson", page.lessons(), ids=lambda lesson: lesson.name)
def test_every_answer_is_the_one_on_the_page_and_nothing_is_left(
    lesson: Lesson, stack: Stack, state: Path, record_property: Callable[[str, object], None]
) -> None:
    before, started = owned(stack), time.monotonic()

    runner.run(stack, state, lesson)

    seconds = time.monotonic() - started
    record_property("measured", f"lesson {lesson.name}: {seconds:.0f} s")
    assert deployment.take_down(stack, lesson) == (lesson.template is not None)
    assert owned(stack) == before


def test_an_output_is_a_variable_and_a_placeholder_any_text(own: Lesson, stack: Stack, state: Path) -> None:
    own.page.write_text(TEXT.partition("## 2.")[0])

    runner.run(stack, state, own)


def test_another_answer_is_a_problem_that_names_the_line(
    own: Lesson, stack: Stack, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own.page.write_text(TEXT.replace("<NAME> street", "Short street"))

    with pytest.raises(Problem, match=r"step 1: .*README\.md:8 says, 'Long street'"):
        runner.run(stack, state, own)

    shown = capsys.readouterr().out
    assert "$ NAME=$STREET; echo $NAME\nLong street\n" in shown
    assert "must come:\nShort street" in shown


def test_ctrl_c_in_the_middle_leaves_nothing(own: Lesson, stack: Stack, state: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from tools import cli; from tools.lessons import page;"
        f"page.FOLDER = Path({str(own.directory.parent)!r}); cli.main()"
    )
    mark = tmp_path / "mark"
    own.page.write_text(TEXT.replace("$MARK", str(mark)))
    command = [sys.executable, "-c", code, "lesson", "own", "--state", str(state)]
    before = owned(stack)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(mark.exists, "the second step")
        assert owned(stack) > before
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert out.endswith("lesson own is removed\n")
    assert err == "interrupted\n"
    assert owned(stack) == before


def test_a_lesson_runs_in_one_terminal_at_a_time(own: Lesson, stack: Stack, state: Path) -> None:
    with runner.only_here(state, own), pytest.raises(Problem, match="lesson own runs in another terminal"):
        runner.run(stack, state, own)


def test_a_template_that_cannot_be_deployed_is_a_problem_and_leaves_nothing(
    own: Lesson, stack: Stack, state: Path
) -> None:
    (own.directory / "template.yaml").write_text(UNDEPLOYABLE)
    before = owned(stack)

    with pytest.raises(Problem, match=r"template.yaml: Bad \(AWS::SQS::Queue\): Export 'no' not found"):
        runner.run(stack, state, own)

    assert owned(stack) == before


def lesson(state: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [*COMMAND, *words, "--state", str(state)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def test_a_lesson_that_there_is_not_is_answered_with_those_that_there_are(state: Path) -> None:
    ended = lesson(state, "nope")

    assert ended.returncode == 2
    assert ended.stderr.startswith("error: no lesson is called 'nope': name one of ")
    assert page.lessons()[0].name in ended.stderr


def test_a_step_that_there_is_not_is_answered_with_those_that_there_are(stack: Stack, state: Path) -> None:
    ended = lesson(state, page.lessons()[0].name, "--from", "99")

    assert ended.returncode == 2
    assert "has no step '99': name one of 1, 2" in ended.stderr


def test_without_a_stack_a_lesson_says_how_to_start_one(tmp_path: Path) -> None:
    ended = lesson(tmp_path, page.lessons()[0].name)

    assert (ended.returncode, ended.stderr) == (1, "error: no stack is up: start one with make up\n")


def test_a_stack_of_another_checkout_is_left_alone(
    found: Lesson, stack: Stack, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Emulator, "checkout", "/their/checkout")

    with pytest.raises(Problem, match="that of /their/checkout: run the lesson there"):
        cli.run("lesson", found.name, "--state", str(state))


def test_by_hand_a_lesson_is_deployed_typed_and_removed(found: Lesson, stack: Stack, state: Path, capsys: Any) -> None:
    before = owned(stack)

    cli.run("lesson", found.name, "--up", "--state", str(state))
    capsys.readouterr()
    cli.run("env", found.name, "--state", str(state))
    lines = ("set -e", 'echo "$QUEUE_URL"', "aws sts get-caller-identity >/dev/null", 'echo "$STREET"')
    typed = "\n".join((capsys.readouterr().out, *lines))
    came = subprocess.run(["/bin/sh", "-c", typed], capture_output=True, text=True, check=True).stdout
    cli.run("lesson", found.name, "--down", "--state", str(state))

    assert came.startswith(f"{stack.endpoint}/")
    assert came.endswith("\nLong street\n")
    assert owned(stack) == before


def test_an_environment_of_a_lesson_that_is_not_up_says_how_to_bring_it_up(
    found: Lesson, stack: Stack, state: Path
) -> None:
    with pytest.raises(Problem, match="lesson own is not up: storefront lesson own --up deploys it"):
        cli.run("env", found.name, "--state", str(state))


def test_it_pauses_at_each_step_from_the_first_one_shown(
    own: Lesson, stack: Stack, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own.page.write_text(f"{TEXT.partition('## 2.')[0]}## 2. Again\n\n```console\n$ echo $NAME\n<NAME> street\n```\n")
    pauses: list[str] = []

    runner.run(stack, state, own, "2", lambda: pauses.append(capsys.readouterr().out.splitlines()[-1]))

    assert pauses == ["2. Again"]
    assert capsys.readouterr().out.startswith("$ echo $NAME\nLong street\n")


def test_a_pause_needs_somebody_at_the_terminal(stack: Stack, state: Path) -> None:
    ended = lesson(state, page.lessons()[0].name, "--pause")

    assert ended.returncode == 2
    assert "nobody at this terminal" in ended.stderr


def test_the_list_has_a_line_for_each_lesson(tmp_path: Path) -> None:
    listed = lesson(tmp_path).stdout.splitlines()

    assert [line.split()[1] for line in listed] == [each.name for each in page.lessons()]
    assert all(" min  " in line and len(line) <= 80 for line in listed)
