"""`sam local` as somebody types it: what `storefront sam-local` prints; and none of our files, after `sam build`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sam_local.conftest import SAM, START_SECONDS, serving
from tests.sam_local.test_start_api import check_mounted
from tools.replay.cases import load
from tools.replay.comparison import differences
from tools.sam_local import prepare as sam_local
from tools.sam_local.container_network import ContainerNetwork
from tools.stack.functions import deployed
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


# An event with each of the placeholders.
@pytest.mark.parametrize(
    "name",
    [
        "place-order/good",
        "payments-sandbox/approved",
        "authorize-webhook/good",
        "authorize-partner/good",
        "authorize-connection/good",
    ],
)
def test_an_event_file_gets_its_answer_as_typed(
    configuration: Path, stack: Stack, environment: dict[str, str], name: str
) -> None:
    # Given a ticket and a signature as after `storefront sam-local`
    sam_local.write_events(stack, configuration.parent)
    *before, invoke, _ = sam_local.commands(configuration)
    function = deployed(stack)[name.partition("/")[0]].logical_id
    typed = invoke.replace("PlaceOrderFunction", function).replace("place-order/good", name)
    assert typed == f"sam local invoke {function} -e events/{name}.json"

    called = subprocess.run(
        ["sh", "-c", "\n".join([*before, typed])],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )

    assert called.returncode == 0, called.stderr
    answer = json.loads(called.stdout.strip().splitlines()[-1])
    assert list(differences(load()[name].answer, answer, "answer")) == []


def test_every_event_file_is_there_with_what_the_stack_accepts(configuration: Path) -> None:
    written = {
        path.relative_to(configuration.parent / "events") for path in configuration.parent.glob("events/*/*.json")
    }

    assert written == {Path(f"{name}.json") for name in load()}
    assert [path for path in configuration.parent.glob("events/*/*.json") if "${" in path.read_text()] == []


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
