"""The template under `sam local`: the functions in containers, everything else on the tests' local stack."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from tools.console import Problem
from tools.demo.api_client import ApiClient
from tools.sam_local import prepare as sam_local
from tools.sam_local.container_network import ContainerNetwork
from tools.stack.emulator import free_port
from tools.stack.stack import ROOT, Stack

SAM = (sys.executable, "-m", "samcli", "local")
START_SECONDS = 90
END_SECONDS = 60
STARTED = "Running on http://"


@pytest.fixture(scope="session")
def network(state: Path) -> ContainerNetwork:
    """Where the containers are; tests are skipped where there can be none, or nothing can be built for them."""
    try:
        sam_local.require_python()
        return ContainerNetwork.of(state)
    except Problem as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def configuration(network: ContainerNetwork, stack: Stack, state: Path) -> Iterator[Path]:
    """The set-up of `storefront sam-local` for the tests' stack."""
    yield sam_local.prepare(stack, state)
    sam_local.release(state)
    assert not network.engine.networks.list(names=[network.name])
    assert not network.containers()


@dataclass(frozen=True)
class Server:
    """A `sam local start-...` that has started.

    Attributes
    ----------
    url
        Where it answers.
    printed
        The lines that it has printed so far.
    process
        The process.
    """

    url: str
    printed: Sequence[str]
    process: subprocess.Popen[str]

    @property
    def has_started(self) -> bool:
        assert self.process.poll() is None, "\n".join(self.printed)
        return any(STARTED in line for line in self.printed)


@contextmanager
def serving(command: str, *options: str, environment: dict[str, str], directory: Path = ROOT) -> Iterator[Server]:
    """Run `sam local start-...` for a while; its end is a person's Ctrl-C."""
    port = free_port()
    printed: list[str] = []
    with subprocess.Popen(
        [*SAM, command, *options, "--port", str(port)],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        reading = threading.Thread(target=lambda: printed.extend(process.stdout or ()))
        reading.start()
        server = Server(f"http://127.0.0.1:{port}", printed, process)
        try:
            wait_until(lambda: server.has_started, f"sam local {command} has started", START_SECONDS)
            yield server
            process.send_signal(signal.SIGINT)
            assert process.wait(END_SECONDS) == 0, "\n".join(printed)
        finally:
            process.kill()
            reading.join()


@pytest.fixture(scope="session")
def api(configuration: Path, stack: Stack, network: ContainerNetwork) -> Iterator[Server]:
    """`sam local start-api` against the tests' stack; what it has started ends with it."""
    before = network.containers()
    environment = sam_local.environment(stack)
    with serving("start-api", "--config-file", str(configuration), environment=environment) as running:
        yield running
        assert network.containers() != before
    assert network.containers() == before


@pytest.fixture
def client(api: Server) -> ApiClient:
    """A caller of the API under `sam local`, without a token."""
    return ApiClient(api.url)
