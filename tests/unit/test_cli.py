"""How the command line ends: with the exit codes that scripts go by, and one line that says what to do."""

import errno
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError
from requests import ConnectionError as NoConnection

from tools import cli
from tools.console import Misuse, Problem
from tools.ops import destroy
from tools.stack import differences


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """Run a command as the console script does, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["storefront", *words])
    try:
        cli.main()
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `storefront differences` fail."""

    def fail(error: BaseException) -> None:
        def show() -> None:
            raise error

        monkeypatch.setattr(differences, "show", show)

    return fail


REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "code"),
    [(Problem("mend it"), 1), (Misuse("not so"), 2), (REFUSED, 1), (NoRegionError(), 1), (NoConnection("gone"), 1)],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_problem_is_one_line_on_stderr(
    error: Exception, code: int, failing: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(error)

    assert ended(monkeypatch, "differences") == code

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {error}")
    assert printed.err.count("\n") == 1


def test_an_interruption_ends_with_130(
    failing: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(KeyboardInterrupt())

    assert ended(monkeypatch, "differences") == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_mistake_of_ours_is_not_dressed_up_as_a_problem(failing: Any) -> None:
    failing(RuntimeError("a bug"))

    with pytest.raises(RuntimeError, match="a bug"):
        cli.run("differences")


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["redrive", "--nope"],
        ["up", "--port", "65536"],
        ["up", "--port", "x"],
        ["rollout", "--speed", "0"],
        ["rollout", "--requests", "0"],
        ["partner", "issue", "platinum"],
        ["order"],
        ["destroy"],
        ["chat", "--stack", "shop"],
        ["put-product", "MUG-001", "--new", "--if-match", '"1"'],
    ],
    ids=" ".join,
)
def test_a_misuse_ends_with_2_and_one_line(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, *words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_yes_answers_for_a_person_and_turns_off_no_protection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(destroy, "run", lambda stack, **how: asked.append((stack, how)))

    cli.run("destroy", "--stack", "shop")
    cli.run("destroy", "--stack", "shop", "--yes")

    assert asked == [
        ("shop", {"confirmed": False, "unprotect": False}),
        ("shop", {"confirmed": True, "unprotect": False}),
    ]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/theirs/.local"), "/theirs/.local: Permission denied: "),
        (OSError(errno.EROFS, "Read-only file system", "/theirs/.local"), "/theirs/.local: Read-only file system: "),
        (ModuleNotFoundError("No module named 'boto3'", name="boto3"), "boto3 is not installed in .venv: "),
    ],
)
def test_surroundings_that_are_broken_or_another_s_are_one_line(
    failing: Any, error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(error)

    assert ended(monkeypatch, "differences") == 1

    assert capsys.readouterr().err.startswith(f"error: {told}")
