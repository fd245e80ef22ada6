"""`storefront rollout`: releases on the local stack, with the real hook functions."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from requests import get

from tools.console import Problem
from tools.environments import COMMAND
from tools.rehearsal.code_deploy import CodeDeploy
from tools.rehearsal.rehearsal import rehearse
from tools.rehearsal.rollout import ALARMED, COMPLETED, REFUSED_AFTER, REFUSED_BEFORE, End
from tools.rehearsal.versions import Change, Versions
from tools.stack.emulator import Emulator
from tools.stack.stack import ROOT, Stack

# 10 % of these are just enough for three errors in a minute.
ENOUGH_REQUESTS = 150
# One of each kind; tests/releases goes through all of them, with the requests left out.
EACH_KIND = ("AllAtOnce", "Canary10Percent5Minutes", "Linear10PercentEvery1Minute")


def release(
    state: Path,
    function: str = "list-products",
    *,
    configuration: str = "Linear10PercentEvery1Minute",
    change: Change = Change.GOOD,
    requests: int = 4,
) -> End:
    """Release a version; time goes by as fast as requests are answered."""
    return rehearse(state, function, configuration, change, speed=1e6, requests=requests)


@pytest.fixture
def versions(stack: Stack) -> Iterator[Versions]:
    """The function of these releases; afterwards the alias is where it was."""
    versions = Versions(stack, "list-products")
    yield versions
    versions.point_to(versions.current)


@pytest.mark.parametrize("configuration", EACH_KIND)
def test_a_good_release_completes(versions: Versions, stack: Stack, configuration: str, state: Path) -> None:
    end = release(state, configuration=configuration)

    assert end.exit_code == COMPLETED
    assert versions.live() != versions.current
    assert get(f"{stack.url}/products?limit=1", timeout=10).ok


@pytest.mark.parametrize("configuration", EACH_KIND)
def test_a_release_that_fails_one_request_in_five_is_rolled_back(
    versions: Versions, configuration: str, state: Path
) -> None:
    # With AllAtOnce no minute passes that an alarm could see.
    at_once = configuration == "AllAtOnce"

    requests = 4 if at_once else ENOUGH_REQUESTS
    end = release(state, configuration=configuration, change=Change.FAILS, requests=requests)

    assert end.exit_code == (REFUSED_AFTER if at_once else ALARMED)
    assert versions.live() == versions.current


@pytest.mark.parametrize("change", [Change.DOES_NOT_IMPORT, Change.ANSWERS_WRONGLY])
@pytest.mark.parametrize("function", ["list-products", "process-orders"])
def test_the_hook_refuses_a_version_before_any_traffic(
    stack: Stack, change: Change, function: str, state: Path
) -> None:
    end = release(state, function, change=change)

    assert end.exit_code == REFUSED_BEFORE
    versions = Versions(stack, function)
    assert versions.live() == versions.current


def test_the_next_deployment_finds_the_code_that_the_one_before_has_left(versions: Versions, stack: Stack) -> None:
    functions = stack.client("lambda")
    before = functions.get_function_configuration(FunctionName=versions.name)["CodeSha256"]

    versions.publish(Change.ANSWERS_WRONGLY)

    assert functions.get_function_configuration(FunctionName=versions.name)["CodeSha256"] == before


def test_an_interruption_puts_the_alias_back(versions: Versions, state: Path) -> None:
    # given a release that takes some seconds
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "STOREFRONT_STATE": str(state)}
    with subprocess.Popen(
        [COMMAND, "rollout"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "minute   0" in line:
                break
        time.sleep(0.1)

        # when Ctrl-C is pressed
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert process.returncode == 130
    assert f"all traffic is on version {versions.current}" in rest
    assert versions.live() == versions.current


@pytest.mark.parametrize("function", ["post-traffic-hook", "no-such-function", "pre-traffic-hook"])
def test_what_is_no_function_of_the_shop_is_refused_with_what_to_do(stack: Stack, function: str, state: Path) -> None:
    with pytest.raises(Problem, match="take the name of a folder in events/"):
        release(state, function)


def test_two_releases_at_a_time_are_refused(stack: Stack, state: Path) -> None:
    with CodeDeploy(Emulator(state).code_deploy_port), pytest.raises(Problem, match="another rollout"):
        release(state)
