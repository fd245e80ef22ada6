"""What `make up` installs is enough for what `make up` runs."""

import os
import re
import subprocess
import sys

from tools.stack.stack import ROOT

# Prints the distributions that the commands have loaded.
LOADED = """
import sys
from importlib.metadata import packages_distributions
import tools.cli
of = packages_distributions()
print(*{name for module in sys.modules for name in of.get(module.partition(".")[0], [])})
"""


def test_the_commands_import_nothing_that_is_not_installed_for_them() -> None:
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "tools.txt").read_text(), re.MULTILINE)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}

    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"boto3", "aws-lambda-powertools"} <= {name.lower().replace("_", "-") for name in loaded}
    installed = {re.sub(r"[-_.]+", "-", pin.lower()) for pin in pins}
    assert {re.sub(r"[-_.]+", "-", name.lower()) for name in loaded} - installed == set()
