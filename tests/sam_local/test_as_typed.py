"""`sam local` as somebody types it: what `storefront sam-local` prints; and none of our files, after `sam build`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sam_local.conftest import SAM, START_SECONDS, serving
from tests.sam_local.test_start_api import check_mounted
from tools.sam_local import prepare as sam_local
from tools.sam_local.container_network import ContainerNetwork
from tools.stack.stack import ROOT, Stack


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """A person's, without anything about AWS: whoever runs the tests may have an account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


@pytest.fixture(scope="module")
def options(configuration: Path, network: ContainerNetwork) -> list[str]:
    """A build elsewhere, for this machine's processor; a person's own build stays as it is."""
    return [
        *("--template", str(configuration.parent / "built" / "template.yaml")),
        *("--config-file", str(ROOT / "samconfig.toml")),
        *("--parameter-overrides", f"Architecture={network.processor}", "--skip-pull-image"),
    ]


def test_the_command_to_paste_calls_a_function(configuration: Path, stack: Stack, environment: dict[str, str]) -> None:
    _, command = sam_local.commands(stack, configuration)

    called = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )

    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout.strip().splitlines()[-1])["statusCode"] == 200


def test_a_function_starts_and_says_that_it_has_no_table(options: list[str], environment: dict[str, str]) -> None:
    event = ROOT / "events" / "get-product" / "good.json"

    called = subprocess.run(
        [*SAM, "invoke", "GetProductFunction", "--event", str(event), *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )

    assert called.returncode == 0, called.stderr
    answer: dict[str, Any] = json.loads(called.stdout.strip().splitlines()[-1])
    assert answer["statusCode"] in (500, 503), called.stderr
    assert answer["headers"]["Content-Type"] == "application/problem+json"


def test_the_api_starts_with_all_routes(options: list[str], environment: dict[str, str]) -> None:
    with serving("start-api", *options, environment=environment) as server:
        check_mounted(server)
