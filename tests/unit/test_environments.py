"""Virtual environments that somebody has interrupted, or whose Python has gone, are made again."""

import errno
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tools import environments
from tools.environments import ROOT, Environment


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An installed environment."""
    environment = Environment(tmp_path / ".venv", "tools")
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    digest = environments._digest("tools")
    environment.stamp.write_text(f'{{"tools": "{digest}", "python": "{Path(sys.executable).resolve()}"}}')
    return environment


def test_an_environment_with_what_is_pinned_is_installed(environment: Environment) -> None:
    assert environment.is_installed()


def test_an_environment_whose_interpreter_has_gone_is_not(environment: Environment) -> None:
    environment.python.unlink()
    environment.python.symlink_to("/no/such/python")

    assert not environment.is_installed()


def test_an_environment_whose_interpreter_is_another_now_is_not(environment: Environment) -> None:
    environment.python.unlink()
    environment.python.symlink_to("/bin/sh")

    assert not environment.is_installed()


@pytest.mark.parametrize("stamp", ["", "{}", "not JSON"])
def test_an_environment_whose_installation_was_interrupted_is_not(environment: Environment, stamp: str) -> None:
    environment.stamp.write_text(stamp)

    assert not environment.is_installed()


@pytest.mark.parametrize("python", ["exit 1", "exec /no/such/python", "kill -KILL $$"])
def test_an_interpreter_that_does_not_run_is_replaced(environment: Environment, python: str) -> None:
    environment.python.unlink()
    environment.python.write_text(f"#!/bin/sh\n{python}\n")
    environment.python.chmod(0o755)

    environments._create(environment)

    assert subprocess.run([environment.python, "-c", ""], check=False).returncode == 0
    assert not environment.stamp.exists()


def test_another_person_s_checkout_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(group: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/theirs/.local")

    monkeypatch.setattr(environments, "ensure", refuse)
    monkeypatch.setattr(sys, "argv", ["environments", "tools"])

    with pytest.raises(SystemExit, match=r"^error: /theirs/\.local: Permission denied: clone the project"):
        environments.main()


def test_a_package_that_is_missing_is_named_in_one_line(tmp_path: Path) -> None:
    script = tmp_path / "storefront"
    script.write_text(environments._STOREFRONT.format(python=sys.executable, root=str(ROOT)))
    code = f"import sys; sys.modules['typer'] = None; exec(compile(open({str(script)!r}).read(), 'storefront', 'exec'))"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr == "error: typer is not installed in .venv: remove .venv, then make up\n"


def test_the_command_runs_where_warnings_are_errors(tmp_path: Path) -> None:
    script = tmp_path / "storefront"
    script.write_text(environments._STOREFRONT.format(python=sys.executable, root=str(ROOT)))
    script.chmod(0o755)

    ended = subprocess.run(
        [script, "token", "--state", str(tmp_path)],
        env=os.environ | {"PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stderr == "error: no stack is up: start one with make up\n"


@cache
def help_printed(**environment: str) -> str:
    """Return what `storefront up --help` prints in this environment, with another value of COLUMNS or without one."""
    without = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "tools", "up", "--help"]
    return subprocess.run(
        command, cwd=ROOT, env=without | environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("columns", ["0", "1", "-3", "39", "99999", "abc", ""])
def test_a_width_that_nobody_could_read_counts_as_none(columns: str) -> None:
    assert help_printed(COLUMNS=columns) == help_printed()
