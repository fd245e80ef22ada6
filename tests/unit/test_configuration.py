"""Settings: a good value is not thrown away before there is a better one, and a failure is not asked for again."""

import io
import os
from collections.abc import Callable

import pytest

from storefront.shared.configuration import CachedSetting, parameter, secret
from tools.testing.aws import CURSOR_SECRET, Aws

MINUTE, KEPT, PAUSE = 60, 600, 5


class Store:
    """A service whose answers are set by the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.value: str | None = "first"
        self.calls = 0

    def read(self) -> str:
        self.calls += 1
        if self.value is None:
            raise ConnectionError("canary")
        return self.value

    def clock(self) -> float:
        return 1_000_000 + self.now


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def setting(store: Store) -> CachedSetting[str]:
    return CachedSetting(store.read, store.clock)


def test_a_change_takes_effect_after_a_minute(store: Store, setting: Callable[[], str]) -> None:
    assert setting() == "first"
    store.value = "second"
    store.now = MINUTE
    assert setting() == "first"
    store.now = MINUTE + 1
    assert setting() == "second"


def test_the_last_good_value_outlives_a_failure_by_some_minutes(
    store: Store, setting: Callable[[], str], log: io.StringIO
) -> None:
    setting()
    store.value = None

    store.now = MINUTE + KEPT
    assert setting() == "first"
    assert "setting not read" in log.getvalue()
    assert "canary" not in log.getvalue()
    store.now = MINUTE + KEPT + 1
    with pytest.raises(ConnectionError):
        setting()

    store.value, store.now = "second", store.now + PAUSE
    assert setting() == "second"


def test_a_failure_is_followed_by_a_pause(store: Store, setting: Callable[[], str]) -> None:
    setting()
    store.value, store.now = None, MINUTE + 1

    assert [setting() for _ in range(100)] == ["first"] * 100
    store.now += PAUSE
    setting()
    assert store.calls == 2
    store.now += 1
    setting()
    assert store.calls == 3


def test_without_any_value_a_failure_is_raised_and_not_asked_for_again(
    store: Store, setting: Callable[[], str]
) -> None:
    store.value = None

    for _ in range(100):
        with pytest.raises(ConnectionError):
            setting()

    assert store.calls == 1
    store.value, store.now = "first", PAUSE + 1
    assert setting() == "first"


def test_where_a_secret_must_not_outlive_its_end_a_failure_closes(store: Store) -> None:
    setting = CachedSetting(store.read, store.clock, keep_seconds=0)
    setting()
    store.value, store.now = None, MINUTE + 1

    with pytest.raises(ConnectionError):
        setting()


def test_the_environment_names_the_parameter_and_the_secret(aws: Aws) -> None:
    aws.ssm.put_parameter(Name=os.environ["PAYMENTS_URL_PARAMETER"], Value="https://pay.example.com/", Type="String")

    assert parameter("PAYMENTS_URL_PARAMETER")() == "https://pay.example.com/"
    assert secret("CURSOR_SECRET_ARN")() == CURSOR_SECRET
