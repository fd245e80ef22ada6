"""The lines that `storefront up` prints fit a terminal of 80 columns, and work where they are pasted."""

import subprocess
from pathlib import Path

import pytest

from tools.stack import introduction
from tools.stack.stack import STATE_DIRECTORY, Stack, User


@pytest.mark.parametrize("name", ["plain", "Ada's files", 'a "quote" and $HOME `id`'])
def test_the_printed_order_survives_any_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / name
    program = root / ".venv" / "bin" / "storefront"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$@"\n')
    curl = tmp_path / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    for file in (program, curl):
        file.chmod(0o755)
    monkeypatch.setattr(introduction, "ROOT", root)

    command = introduction.order_command("http://127.0.0.1:1", root / "state")

    path = f"{curl.parent}:/usr/bin:/bin"
    printed = subprocess.run(["sh", "-c", command], env={"PATH": path}, capture_output=True, text=True, check=True)
    assert f"Authorization: token --state {root / 'state'}" in printed.stdout.splitlines()


def test_its_lines_fit_80_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(introduction, "ROOT", Path("/home/ada/storefront"))
    emails = {"customer": "customer@storefront.example", "support": "support@storefront.example"}
    users = {name: User(email, "Aa1!" + "x" * 20) for name, email in emails.items()}
    url = "http://127.0.0.1:45660/_aws/execute-api/cac249b3/local"

    introduction.introduce(
        Stack("http://127.0.0.1:45660", "us-east-1", {}, {"RestApiUrl": url}, users), STATE_DIRECTORY
    )

    printed = capsys.readouterr().out.replace(str(STATE_DIRECTORY), "/home/ada/storefront/.local").splitlines()
    assert len(printed) > 15
    assert [line for line in printed if len(line) > 80] == []
