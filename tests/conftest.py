"""Fixtures of all tests: a process that can reach no AWS account, and AWS as moto plays it."""

import os
import sys

from tools.environments import ROOT
from tools.testing import environment

# Handlers read their environment at import; so it is here before any of them is imported.
environment.set_up()
# Without bytecode each run would compile the libraries anew. It is kept apart: `sam local` watches the sandbox's
# folder, and a file written there would end the containers of its tests.
sys.dont_write_bytecode, sys.pycache_prefix = False, str(ROOT / ".local" / "bytecode")
# When make runs the tests, a make that a test starts would take its options, and print where it is.
for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"):
    os.environ.pop(variable, None)

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

for package in ("moto", "xdist"):
    if find_spec(package) is None:
        pytest.exit(f"{package} is not installed here. Run `make dev`, then `.venv/bin/pytest`.")

import botocore
from botocore.session import Session
from xdist.scheduler import LoadScopeScheduling

from tests.support.call_recorder import Recording

if TYPE_CHECKING:
    from tools.stack.stack import Stack
    from tools.testing.aws import Aws
    from tools.testing.aws_calls import Listen

pytest_plugins = ("tests.support.in_process",)


def _answered_by_moto(session: Session) -> None:
    """Let moto answer the clients of the first session, also those that a handler makes at its import.

    moto sees to the sessions that come after it; a call that it heard twice would be made twice.
    """
    if "moto.core.models" not in sys.modules:
        from moto.core.models import botocore_stubber

        session.register("before-send", botocore_stubber)


# moto takes a second to load: it comes with the first session, and not for tests that make none.
botocore.register_initializer(_answered_by_moto)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recording(config))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Aws]":
    """AWS with the template's tables, queues, bus, parameters and secrets, all empty."""
    from moto import mock_aws

    from storefront.shared import configuration
    from tools.testing.aws import Aws

    # The sandbox is reached over real HTTP on this machine; moto leaves that alone. A handler forgets the configuration
    # that it has read in another test's AWS.
    moto = mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}})
    # Put back with what the test changes of it, last change first.
    for name, seconds in {"CACHE_SECONDS": -1, "KEEP_SECONDS": 0, "PAUSE_SECONDS": -1}.items():
        monkeypatch.setattr(configuration, name, seconds)
    with moto:
        # The sandbox does not import our code, so it keeps its secret itself.
        import_module("payments.payments_sandbox")._secret_in.cache_clear()
        yield Aws.create()


@pytest.fixture
def listen() -> "Iterator[Listen]":
    """Has a listener of the test's own hear, answer or refuse the calls to AWS."""
    from tools.testing.aws_calls import heard_by

    with ExitStack() as stack:
        yield lambda listener: stack.enter_context(heard_by(listener))


@pytest.fixture(scope="session")
def state(worker_id: str) -> Path:
    """The directory of the tests' own local stack; where tests run in several processes, each has one."""
    return ROOT / ".local" / f"test-{worker_id}"


@pytest.fixture(scope="session")
def stack(state: Path) -> "Iterator[Stack]":
    """The template on a local stack of the tests' own; a person's running stack is not touched."""
    from tests.support.canaries import canaries_in_logs
    from tools.stack import lifecycle

    running = lifecycle.ensure_up(state)
    yield running
    leaked = canaries_in_logs(running)
    lifecycle.take_down(state)
    assert not leaked, "what must not be in any log line of the whole run"


class _SetUpOnce(LoadScopeScheduling):
    """Gives tests that share a costly set-up to one process: a local stack, a translated template, measured imports.

    Orders spend their time waiting for queues: they have one stack. Tests in containers have another, and everything
    else the third.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(("tests/local/test_load", "tests/local/test_orders")):
            return "the stack with the orders"
        if nodeid.startswith("tests/sam_local/"):
            return "the stack for sam local"
        if nodeid.startswith(("tests/local/", "tests/contract/test_running")):
            return "the other stack"
        if nodeid.startswith("tests/template/"):
            return "the translated templates"
        if nodeid.startswith("tests/unit/test_imports"):
            return "the imports of each handler"
        return nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _SetUpOnce(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are processors: tests of a local stack wait half of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make what a test has logged fit for another process, which gets it as UTF-8: without lone surrogates."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have measured; with several processes, nothing they print is seen."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(str(value))
