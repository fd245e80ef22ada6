"""How long a function waits for AWS, and how often it asks: over real HTTP, with the limits that all clients share."""

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from storefront.rollout import pre_traffic_hook
from storefront.rollout.function_version import INVOCATION_SECONDS
from storefront.shared.aws import LIMITS, client
from tests.support.http_server import Answer, HttpServer, serving
from tools.testing.template import resources

FUNCTIONS = resources("AWS::Lambda::Function")
KEY: Any = {"TableName": "table", "Key": {"sku": {"S": "MUG-001"}}}


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


def calling(server: HttpServer, limits: Config = LIMITS) -> Any:
    return client("dynamodb", endpoint=server.url, limits=limits)


def test_a_service_that_fails_is_asked_three_times() -> None:
    with serving(Answer(500, {})) as server:
        with pytest.raises(ClientError):
            calling(server).get_item(**KEY)

        assert len(server.requests) == 3


def test_a_service_that_fails_twice_answers() -> None:
    with serving(Answer(500, {}), Answer(500, {}), Answer(200, {})) as server:
        calling(server).get_item(**KEY)


def test_a_service_that_says_nothing_is_given_up() -> None:
    with serving(Answer(200, {}, seconds=5)) as server, pytest.raises(ReadTimeoutError):
        calling(server, LIMITS.merge(Config(read_timeout=0.05))).get_item(**KEY)


def test_a_client_has_the_limits_that_all_share() -> None:
    limits: Any = client("dynamodb").meta.config

    # The shortest function has time for a call that hangs once, and to answer.
    hangs = limits.connect_timeout + limits.read_timeout
    assert hangs < min(function["Timeout"] for function in FUNCTIONS.values()) / 2


def test_the_probe_of_a_new_version_waits_as_long_as_any_probe_may_take_and_asks_once() -> None:
    limits: Any = pre_traffic_hook._versions._functions.meta.config

    assert limits.retries["total_max_attempts"] == 1
    assert limits.read_timeout == INVOCATION_SECONDS
    assert limits.connect_timeout + limits.read_timeout < FUNCTIONS["PreTrafficHookFunction"]["Timeout"]
    assert limits.read_timeout > min(function["Timeout"] for function in FUNCTIONS.values())
