"""Commands typed by habit work, or say what to type."""

import subprocess
import sys

import pytest

from tools.stack.stack import ROOT

WITHOUT_MOTO = "import sys; sys.modules['moto'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"


def test_pytest_of_another_python_says_how_to_get_the_packages() -> None:
    command = [sys.executable, "-c", WITHOUT_MOTO, "tests/unit/test_attributes.py", "-p", "no:cacheprovider"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "moto is not installed here. Run `make dev`, then `.venv/bin/pytest`." in ended.stdout + ended.stderr
