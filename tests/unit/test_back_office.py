"""The back office's credentials in stack.json: good whenever a command has been run."""

import os
import time
from pathlib import Path

import pytest

from tools.ops import back_office
from tools.stack.stack import Stack

OLD = {"access_key_id": "old", "secret_access_key": "old", "session_token": "old"}
NEW = {"access_key_id": "new", "secret_access_key": "new", "session_token": "new"}


@pytest.mark.parametrize(("minutes", "expected"), [(0, OLD), (40, OLD), (50, NEW), (600, NEW)])
def test_credentials_are_renewed_before_they_end(
    minutes: int, expected: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {"BackOfficeRoleArn": "arn"}
    stack = Stack(
        "http://127.0.0.1:1", "us-east-1", {"accessKeyId": "a", "secretAccessKey": "b"}, outputs, {}, back_office=OLD
    )
    stack.save(tmp_path)
    moment = time.time() - minutes * 60
    os.utime(tmp_path / "stack.json", (moment, moment))
    monkeypatch.setattr(back_office, "assume", lambda sts, arn: NEW)

    renewed = back_office.renewed(stack, tmp_path)

    assert renewed.back_office == Stack.load(tmp_path).back_office == expected
