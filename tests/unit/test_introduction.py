"""The commands that `storefront up` prints work where they are pasted."""

import subprocess
from pathlib import Path

import pytest

from tools.stack import introduction


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
