"""Commands typed by habit work, or say what to type."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

from tools.stack.stack import ROOT

WITHOUT_MOTO = "import sys; sys.modules['moto'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"


def test_pytest_of_another_python_says_how_to_get_the_packages() -> None:
    command = [sys.executable, "-c", WITHOUT_MOTO, "tests/unit/test_attributes.py", "-p", "no:cacheprovider"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "moto is not installed here. Run `make dev`, then `.venv/bin/pytest`." in ended.stdout + ended.stderr


def test_libraries_are_compiled_once_for_all_runs_and_not_into_their_folders() -> None:
    compiled = Path(importlib.util.cache_from_source(botocore.__file__))

    assert compiled.is_relative_to(ROOT / ".local")
    assert compiled.exists()


def pytest_loads(*arguments: str) -> str:
    """Return the packages that slow the start of a run down, of those that the run has loaded."""
    code = f"import sys, pytest; pytest.main({[*arguments, '-p', 'no:cacheprovider']}); print('loaded', *sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return printed.rpartition("loaded ")[2]


@pytest.mark.parametrize("file", ["tests/unit/test_order_request.py", "tests/unit/test_no_such_file.py"])
def test_a_run_of_one_file_loads_only_what_its_tests_need(file: str) -> None:
    loaded = set(pytest_loads(file, "--collect-only", "-q").split())

    assert loaded & {"moto", "boto3", "samcli", "samtranslator", "schemathesis.pytest.plugin"} == set()
