"""The benchmarks run functions with Lambda's Python."""

from pathlib import Path

import pytest

from tools import environments
from tools.environments import Environment, InstallationFailed
from tools.testing.template import source


def test_it_is_made_with_the_python_of_the_template_s_functions() -> None:
    major, minor = environments.RUNTIME

    assert source()["Globals"]["Function"]["Runtime"] == f"python{major}.{minor}"


def test_another_python_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environments, "RUNTIME", (3, 99))

    with pytest.raises(
        InstallationFailed, match=r"in Lambda the functions run on 3\.99: install that .*PYTHON=/path/to/python3\.99"
    ):
        environments._create(Environment(tmp_path / "venv", "bench", is_runtime=True))

    assert not (tmp_path / "venv").exists()
