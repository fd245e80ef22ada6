"""`storefront bootstrap` says so when all environments share an account."""

import subprocess
from typing import Any

import pytest

from tools.cli import run


@pytest.mark.parametrize(
    ("parameters", "warned"),
    [
        ((), True),
        (("Environments=all",), True),
        (("SetLoggingRole=false",), True),
        (("Environments=production",), False),
    ],
)
def test_one_account_for_everything_is_said(
    parameters: tuple[str, ...], warned: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[Any] = []

    def deploy(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", deploy)

    run("bootstrap", "octo/storefront", *parameters)

    assert len(commands) == 1
    assert ("share this account" in capsys.readouterr().out) is warned
