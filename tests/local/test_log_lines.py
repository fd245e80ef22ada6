"""A function's log lines stand with the call that wrote them, also when sixteen clients call at once."""

import base64
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tools.stack.stack import Stack

NAME = "log-lines"
CLIENTS, CALLS = 16, 12
CODE = """
import os, sys
def handler(event, context):
    for number in range(event['lines']):
        print(f"{event['call']}:{number}")
    if event.get('open'): print(f"{event['call']}:no line break", end="")
    if event.get('fail'): raise ValueError(event['call'])
    if event.get('exit'): sys.stdout.flush(); os._exit(1)
    return event['call']
"""


@pytest.fixture(scope="module")
def function(stack: Stack) -> Iterator[Any]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CODE)
    roles, functions = stack.client("iam"), stack.client("lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = roles.create_role(RoleName=NAME, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    code = {"ZipFile": packed.getvalue()}
    functions.create_function(FunctionName=NAME, Runtime="python3.13", Handler="index.handler", Role=role, Code=code)
    yield functions
    functions.delete_function(FunctionName=NAME)
    roles.delete_role(RoleName=NAME)


def call(functions: Any, **event: Any) -> tuple[str, list[str]]:
    """Call the function; return its answer, and the lines that came with it."""
    answer = functions.invoke(FunctionName=NAME, Payload=json.dumps(event), LogType="Tail")
    log = base64.b64decode(answer.get("LogResult", "")).decode()
    return json.loads(answer["Payload"].read()), re.findall(r"^\S+:.+$", log, re.MULTILINE)


def own(lines: list[str]) -> list[str]:
    return [line for line in lines if re.match(r"[\w-]+:(\d+|no line break)$", line)]


def test_no_line_is_lost_or_stands_with_another_call(function: Any) -> None:
    def calls(client: int) -> None:
        for number in range(CALLS):
            name, count = f"c{client}-{number}", (client + number) % 7
            answer, lines = call(function, call=name, lines=count)
            assert answer == name
            assert own(lines) == [f"{name}:{line}" for line in range(count)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(calls, range(CLIENTS)))


def test_lines_of_a_call_that_fails_and_of_a_process_that_ends_are_there(function: Any) -> None:
    assert own(call(function, call="failing", lines=2, fail=True)[1]) == ["failing:0", "failing:1"]
    assert own(call(function, call="ending", lines=2, exit=True)[1]) == ["ending:0", "ending:1"]
    assert own(call(function, call="open", lines=1, open=True)[1]) == ["open:0", "open:no line break"]


def test_a_silent_call_is_not_waited_for(function: Any) -> None:
    call(function, call="warm", lines=0)
    spent = []
    for _ in range(20):
        begun = time.perf_counter()
        call(function, call="silent", lines=0)
        spent.append(time.perf_counter() - begun)

    # The emulator alone waits for 50 ms each time; the best of many is what this machine takes without its other work.
    assert min(spent) < 0.04
