"""The tour that `make demo` gives."""

import os
import subprocess
from pathlib import Path

from tools.stack.stack import ROOT, Stack


def test_every_stop_of_the_tour_is_as_it_says_and_fits_80_columns(stack: Stack, state: Path) -> None:
    environment = {**os.environ, "STOREFRONT_STATE": str(state), "COLUMNS": "80"}

    ended = subprocess.run(["make", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "all as they should be" in ended.stdout
    assert [line for line in ended.stdout.splitlines() if len(line) > 80] == []
