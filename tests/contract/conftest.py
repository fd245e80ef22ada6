"""Schemathesis's plugin for these tests only: it takes a second to load, which a run of other tests need not wait."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("schemathesis.pytest.plugin")
