"""The findings of cdk-nag's rules that are accepted; `storefront nag` runs the rules."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.scanners.nag import ACCEPTED, Accepted, not_accepted
from tools.stack.stack import ROOT

FOUND = {rule: set(accepted.resources or {"Anywhere"}) for rule, accepted in ACCEPTED.items()}


def test_what_is_accepted_is_not_reported() -> None:
    assert not_accepted(FOUND) == []


@pytest.mark.parametrize(
    ("rule", "resource"), [("AwsSolutions-SQS4", "OrdersQueue"), ("AwsSolutions-COG1", "AnotherPool")]
)
def test_another_rule_and_another_resource_are_reported(rule: str, resource: str) -> None:
    found = FOUND | {rule: FOUND.get(rule, set()) | {resource}}

    assert not_accepted(found) == [f"{rule}: {resource}"]


def test_what_is_accepted_and_no_longer_found_is_reported() -> None:
    found = {rule: resources for rule, resources in FOUND.items() if rule != "AwsSolutions-COG1"}

    assert not_accepted(found) == ["AwsSolutions-COG1: accepted at UserPool, where it is not found"]


@pytest.mark.parametrize("accepted", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_is_accepted_has_a_reason_and_the_test_it_names_is_there(accepted: Accepted) -> None:
    file, _, name = accepted.test.partition("::")

    assert len(accepted.reason.split()) > 5
    assert not file or f"def {name}" in (ROOT / file).read_text()


def test_what_node_downloads_is_pinned_by_hash_and_by_no_index() -> None:
    lock = json.loads((ROOT / "tools" / "scanners" / "node" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert packages
    for name, package in packages.items():
        assert package.get("inBundle") or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_python_requirements_are_pinned_by_hash_and_one_command_updates_them_all(tmp_path: Path) -> None:
    pinned = [*(ROOT / "requirements").glob("*.txt"), ROOT / "src" / "requirements.txt"]

    for path in pinned:
        packages = re.split(r"\n(?=\w)", path.read_text())
        assert all("==" not in package or "--hash=sha256:" in package for package in packages), path
    assert updated(tmp_path) == {str(path.relative_to(ROOT)) for path in pinned}


def updated(checkout: Path) -> set[str]:
    """Return what `requirements/lock` has uv write; stand-ins for uv and npm only note how they are called."""
    (checkout / "requirements").mkdir()
    (checkout / "tools" / "scanners" / "node").mkdir(parents=True)
    shutil.copy(ROOT / "requirements" / "lock", checkout / "requirements")
    for name in ("uv", "npm"):
        (checkout / name).write_text(f'#!/bin/sh\necho "$@" >> "{checkout}/words"\n')
        (checkout / name).chmod(0o755)
    environment = {"PATH": f"{checkout}:{os.environ['PATH']}", "UV": str(checkout / "uv")}
    subprocess.run(["sh", "requirements/lock"], cwd=checkout, env=environment, capture_output=True, check=True)
    return set(re.findall(r"--output-file (\S+)", (checkout / "words").read_text()))
