"""The lines that `make up` prints work when they are pasted."""

import re
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.local.conftest import Typed
from tools.stack.stack import Stack


@pytest.fixture(scope="module")
def printed(typed: Typed) -> str:
    """The output of a second `up` on the tests' stack."""
    return typed("make up")


def test_it_prints_where_the_stack_is_and_who_can_sign_in(stack: Stack, printed: str) -> None:
    assert stack.endpoint in printed
    assert "/_aws/execute-api/" in printed
    for user in stack.users.values():
        assert user.email in printed
        assert user.password in printed


def test_the_first_screen_shows_how_to_go_on(printed: str) -> None:
    screen = printed.splitlines()[-24:]

    assert any("Storefront is up" in line for line in screen)
    assert any("make demo" in line for line in screen)
    assert any("storefront differences" in line for line in screen)


def test_its_curl_lines_work_when_pasted(printed: str) -> None:
    lines = re.findall(r"^ *(curl (?:.*\\\n)*.*)$", printed, re.MULTILINE)

    statuses = [pasted(f"{line} --silent --output /dev/null --write-out '%{{http_code}}'") for line in lines]

    assert statuses == ["200", "200", "202"]


def test_the_chat_is_at_the_address_of_this_stack(stack: Stack) -> None:
    here = f"://{urlsplit(stack.endpoint).netloc}/"

    assert f"ws{here}" in stack.outputs["ChatApiUrl"]


def test_colour_is_for_terminals_only(printed: str) -> None:
    assert "\x1b" not in printed


def pasted(line: str) -> str:
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True).stdout
