"""A payment provider on this machine: the sandbox's real handler behind real HTTP."""

import io
from typing import TYPE_CHECKING

import pytest
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from hypothesis import settings

from storefront.shared.errors import Refusal
from tests.support import hostile
from tests.support.prose import is_prose

if TYPE_CHECKING:
    from tests.unit.orders.shop import Shop
    from tools.testing.aws import Aws

# A busy machine makes no test fail.
settings.register_profile("storefront", deadline=None)
settings.load_profile("storefront")


@pytest.fixture(scope="session")
def hostile_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return hostile.environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def _hostile(hostile_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test where a person's own settings would break it."""
    for name, value in hostile_environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def shop(aws: "Aws", payments_sandbox: str) -> "Shop":
    from tests.unit.orders.shop import Shop

    return Shop(aws, payments_sandbox)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The log of the functions; their logger holds the stream that it found at its import."""
    from storefront.shared.observability import logger

    stream = io.StringIO()
    # Not `setStream`: it flushes the stream before, which an earlier run in this process has closed.
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture(autouse=True)
def _details_are_prose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every refusal that a test meets to a text that its reader can use."""
    made = Refusal.__init__

    def checked(refusal: Refusal, detail: str) -> None:
        assert is_prose(detail), f"no text for a reader: {detail!r}"
        made(refusal, detail)

    monkeypatch.setattr(Refusal, "__init__", checked)


@pytest.fixture(autouse=True)
def _metrics_have_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every metric that a test meets to a unit: CloudWatch keeps what has none apart from what has one."""
    add = Metrics.add_metric

    def checked(metrics: Metrics, name: str, unit: MetricUnit, value: float) -> None:
        assert isinstance(unit, MetricUnit), f"no unit: {name}"
        add(metrics, name, unit, value)

    monkeypatch.setattr(Metrics, "add_metric", checked)
