"""The commands load what is installed for them, and help loads little."""

import os
import re
import subprocess
import sys

from tools.stack.stack import ROOT

# The packages of the commands that `make up` installs enough for.
PACKAGES = ("stack", "ops", "demo", "replay", "rehearsal", "sam_local", "drill")
# Prints the distributions that some modules have loaded.
LOADED = """
import pkgutil, sys
from importlib import import_module
from importlib.metadata import packages_distributions
import tools.cli
for package in sys.argv[1:]:
    for module in pkgutil.iter_modules(import_module(f"tools.{package}").__path__):
        import_module(f"tools.{package}.{module.name}")
of = packages_distributions()
print(*{name for module in sys.modules for name in of.get(module.partition(".")[0], [])})
"""


def loaded(*packages: str) -> set[str]:
    command = [sys.executable, "-c", LOADED, *packages]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    return {re.sub(r"[-_.]+", "-", name.lower()) for name in printed.split()}


def test_the_commands_import_nothing_that_is_not_installed_for_them() -> None:
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "tools.txt").read_text(), re.MULTILINE)
    installed = {re.sub(r"[-_.]+", "-", pin.lower()) for pin in pins}

    found = loaded(*PACKAGES)

    assert {"boto3", "typer", "websockets"} <= found
    assert found - installed == set()


def test_help_loads_neither_the_sdk_nor_the_sam_cli() -> None:
    assert loaded() & {"boto3", "botocore", "requests", "aws-sam-cli", "pydantic"} == set()
