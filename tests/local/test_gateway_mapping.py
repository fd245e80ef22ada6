"""Mapping templates: ``gateway_mapping.toml`` holds what AWS's pages say comes out of them."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools.environments import EMULATOR
from tools.stack.stack import ROOT

Json = dict[str, Any]
TABLE = tomllib.loads(Path(__file__).with_name("gateway_mapping.toml").read_text())
ROWS = TABLE["row"]
REQUEST: Json = {
    "parameters": {
        "path": {"id": "abc"},
        "querystring": {"name": "O'Brien", "q": "1"},
        "header": {"X-Amzn-Test": "h", "content-type": "application/json"},
    },
    "context": {
        "stage": "prod",
        "identity": {"sourceIp": "192.0.2.1"},
        "authorizer": {"numKey": "1", "principalId": "p"},
    },
    "variables": {"colour": "blue"},
}
# The library is in the emulator's environment only.
RENDER = """
import json, sys
sys.path.append(sys.argv[1])
from tools.stack.gateway import mapping
from tools.stack.inside.replaced import install
install()
def rendered(row):
    overrides = (mapping.Overrides(header=mapping.Overrides()) for _ in range(2))
    context = row["context"] | dict(zip(("requestOverride", "responseOverride"), overrides))
    try:
        return mapping.render(row["template"], row["body"], row["parameters"], context, row["variables"])
    except mapping.MappingFailed as error:
        return {"fails": str(error)}
json.dump([rendered(row) for row in json.load(sys.stdin)], sys.stdout)
"""


@pytest.fixture(scope="module")
def results() -> list[Any]:
    body, requests = "", []
    for row in ROWS:
        body = row.get("body", body)
        requests.append(REQUEST | {"template": row["template"], "body": body})
    command = [str(EMULATOR.python), "-P", "-c", RENDER, str(ROOT)]
    environment = os.environ | {"GATEWAY_PORT": "0"}
    done = subprocess.run(
        command, input=json.dumps(requests), capture_output=True, text=True, check=True, env=environment
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row["template"].strip()[:40] for row in ROWS])
def test_a_template_makes_what_aws_s_page_says_or_fails(results: list[Any], number: int) -> None:
    row, result = ROWS[number], results[number]

    assert row["page"] in TABLE["pages"]
    if "fails" in row:
        assert row["fails"] in result["fails"]
    else:
        assert parsed(result) == parsed(row["output"])
