"""Every sample event in a container: the built package, on Lambda's own runtime, gives the answer that it must.

The events of the REST API's functions and of the authorizers go through `sam local invoke`, which starts a container
for each. That takes seconds; so all others go through `sam local start-lambda`, which keeps its containers. Both run
the same image with the same package and environment.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.sam_local.conftest import Server, serving
from tools.replay.cases import load
from tools.replay.in_process import Processes
from tools.replay.sam import SamLocal, through_sam
from tools.replay.target import Outcome, replay
from tools.replay.world import World
from tools.sam_local import prepare as sam_local
from tools.stack.functions import deployed
from tools.stack.stack import Stack

CASES = load()
GUARDS = {"authorize-connection", "authorize-partner", "authorize-webhook"}
BEHIND_ROUTES = {case.function for case in CASES.values() if "httpMethod" in case.event}
INVOKED = [name for name, case in CASES.items() if case.function in GUARDS | BEHIND_ROUTES]
KEPT_WARM = [name for name in CASES if name not in INVOKED]


class StartLambda:
    """Calls functions of a `sam local start-lambda`."""

    def __init__(self, server: Server, stack: Stack) -> None:
        self._functions = deployed(stack)
        self._client = boto3.client(
            "lambda", endpoint_url=server.url, config=Config(read_timeout=300, retries={"total_max_attempts": 1})
        )

    def invoke(self, name: str, event: Any) -> Outcome:
        called = self._client.invoke(FunctionName=self._functions[name].logical_id, Payload=json.dumps(event).encode())
        return Outcome.told(json.loads(called["Payload"].read()))


@pytest.fixture(scope="module")
def warm(configuration: Path, stack: Stack) -> Iterator[StartLambda]:
    environment = sam_local.environment(stack)
    with serving("start-lambda", "--config-file", str(configuration), environment=environment) as server:
        yield StartLambda(server, stack)


@pytest.fixture(scope="module")
def world(configuration: Path, stack: Stack, state: Path) -> Iterator[World]:
    with World(stack, deployed(stack), CASES).prepared(state) as prepared:
        yield prepared


@pytest.fixture(scope="module")
def processes(stack: Stack, state: Path) -> Iterator[Processes]:
    """Runs the events that others build on."""
    with Processes(stack, deployed(stack), state / "sam-events.log") as running:
        yield running


@pytest.mark.parametrize("name", INVOKED)
def test_an_event_gets_its_answer_through_sam_local_invoke(
    name: str, world: World, processes: Processes, configuration: Path, stack: Stack, state: Path
) -> None:
    sam = SamLocal(stack, deployed(stack), configuration, state / "sam-events.log")
    # Not as the target `sam` does it, which leaves out what it would have to wait for: here the answer is what counts.
    world.tidy()

    assert list(replay(CASES[name], sam.invoke, world.values(), processes.invoke)) == []


@pytest.mark.parametrize("name", KEPT_WARM)
def test_an_event_gets_its_answer_in_a_container(
    name: str, world: World, processes: Processes, warm: StartLambda
) -> None:
    target = through_sam(world, processes, warm.invoke)
    if reason := target.why_not(CASES[name]):
        pytest.skip(reason)

    assert list(target.replay(CASES[name])) == []
