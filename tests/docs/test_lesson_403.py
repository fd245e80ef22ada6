"""The lesson about one caller's 403: its sample lines are what the gateway writes, and its steps find what they say."""

import json
import re
import subprocess
from typing import Any

import pytest

from tools.stack.stack import ROOT
from tools.testing.template import openapi, source

LESSON = (ROOT / "lessons/403.md").read_text()
SAMPLE = [json.loads(line) for line in (ROOT / "lessons/403.jsonl").read_text().splitlines()]
QUERIES = re.findall(r"^```\n(filter .*?)```", LESSON, re.MULTILINE | re.DOTALL)
CALLER = "192.0.2.17"


def found_by(query: str) -> list[dict[str, Any]]:
    """Apply the filter of a Logs Insights query, one of equations joined by `and`, to the sample."""
    text = query.splitlines()[0].removeprefix("filter ")
    conditions = [re.fullmatch(r'(\w+) = "([^"]*)"', condition) for condition in text.split(" and ")]
    assert all(conditions), query
    return [line for line in SAMPLE if all(line[one[1]] == one[2] for one in conditions if one)]


def test_the_sample_has_the_fields_of_the_template_s_log() -> None:
    setting = source()["Resources"]["RestApi"]["Properties"]["AccessLogSetting"]
    log_format = json.loads(setting["Fn::If"][1]["Format"])

    assert all(list(line) == list(log_format) for line in SAMPLE)


def test_the_sample_speaks_of_routes_that_there_are() -> None:
    routes = {(method.upper(), path) for path, item in openapi()["paths"].items() for method in item}

    assert {(line["method"], line["resourcePath"]) for line in SAMPLE} - routes == {("GET", "-")}


def test_the_first_query_finds_the_caller_s_two_lines() -> None:
    found = found_by(QUERIES[0])

    assert [(line["method"], line["resourcePath"]) for line in found] == [
        ("GET", "/products"),
        ("POST", "/partner/orders"),
    ]


def test_the_second_query_finds_whom_the_resource_policy_denies_and_nobody_else() -> None:
    assert found_by(QUERIES[1]) == found_by(QUERIES[0])
    others = {line["sourceIp"] for line in SAMPLE if line["status"] == "403"} - {CALLER}
    assert len(others) == 6, "there are other refusals to be told apart from"


def test_the_shell_finds_the_same_lines() -> None:
    (command,) = re.findall(r"^grep .*$", LESSON, re.MULTILINE)

    shown = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S602

    assert [json.loads(line) for line in shown.splitlines()] == found_by(QUERIES[0])


@pytest.mark.parametrize("kind", ["ACCESS_DENIED", "MISSING_AUTHENTICATION_TOKEN", "INVALID_API_KEY"])
def test_every_refusal_in_the_table_is_in_the_sample_and_answered_by_the_api(kind: str) -> None:
    assert f"|`{kind}`|" in LESSON
    assert kind in {line["errorType"] for line in SAMPLE}
    assert str(openapi()["x-amazon-apigateway-gateway-responses"][kind]["statusCode"]) == "403"


def test_the_trace_that_is_looked_up_is_the_caller_s() -> None:
    (trace_id,) = re.findall(r"--trace-ids (\S+)", LESSON)

    assert f"Root={trace_id}" in {line["xrayTraceId"] for line in found_by(QUERIES[0])}
