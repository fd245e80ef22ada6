"""Scanners: whatever one of them is told to leave out has a reason beside it, and tests that are there."""

import re
from pathlib import Path

import pytest
import yaml

from tools.checks import shell_scripts
from tools.checks.checks import CHECKS
from tools.stack.stack import ROOT
from tools.testing.template import source, walk

CHECKOV = ROOT / "tools" / "scanners" / "checkov.yaml"
TEMPLATE = ROOT / "template.yaml"
OPERATIONS = ROOT / "operations.yaml"


def left_out(path: Path, code: str) -> dict[str, list[str]]:
    """Return the checks that a file leaves out, each with the comment in front of it."""
    found: dict[str, list[str]] = {}
    comment: list[str] = []
    for line in path.read_text().splitlines():
        if text := re.fullmatch(r"\s*# (.*)", line):
            comment = [*comment, text[1]]
        elif entry := re.fullmatch(rf"\s*- ({code})", line):
            found[entry[1]] = comment
            comment = []
        else:
            comment = []
    return found


SUPPRESSIONS = {
    f"{path.name}: {check}": comment
    for path, code in ((CHECKOV, r"CKV\w+"), (TEMPLATE, r"[EWI]S?\d{4}"), (OPERATIONS, r"[EWI]S?\d{4}"))
    for check, comment in left_out(path, code).items()
}


def test_every_check_that_is_left_out_is_found_here() -> None:
    checkov = yaml.safe_load(CHECKOV.read_text())["skip-check"]
    cfn_lint = {
        f"{file}: {name}"
        for file in ("template.yaml", "operations.yaml")
        for name in source(file)["Metadata"]["cfn-lint"]["config"]["ignore_checks"]
    }

    assert SUPPRESSIONS.keys() == {f"checkov.yaml: {name}" for name in checkov} | cfn_lint


@pytest.mark.parametrize("suppression", SUPPRESSIONS)
def test_what_is_left_out_has_a_reason_and_the_tests_it_names_are_there(suppression: str) -> None:
    reason = " ".join(SUPPRESSIONS[suppression])

    assert not reason.startswith("tests/")
    assert len(reason.split()) > 5
    for file, name in re.findall(r"(tests/\S+\.py)(?:::(\w+))?", reason):
        assert f"def {name}" in (ROOT / file).read_text()


def test_the_template_s_resources_leave_out_nothing_but_one_rule_with_its_reason() -> None:
    text = TEMPLATE.read_text()

    ignored = re.findall(r"# .*\n\s+cfn-lint: \{config: \{ignore_checks: \[(\w+)\]\}\}", text)

    assert len(ignored) == text.count("ignore_checks: [")
    assert set(ignored) == {"E3004"}


@pytest.mark.parametrize("scanner", ["cfn-lint", "checkov", "bandit", "zizmor", "shellcheck"])
def test_a_scanner_is_one_of_the_checks(scanner: str) -> None:
    assert scanner in {check.title for check in CHECKS}


def test_every_shell_script_is_checked() -> None:
    begins_as_script = {
        str(path.relative_to(ROOT))
        for folder in (".ci", "tools", "requirements")
        for path in (ROOT / folder).glob("*")
        if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/usr/bin/env bash", b"#!/bin/bash"))
    }

    assert set(shell_scripts.FILES) == begins_as_script


def test_every_script_of_a_workflow_is_checked() -> None:
    workflows = [yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    scripts = [script for workflow in workflows for keys, script in walk(workflow) if keys[-1:] == ("run",)]

    assert sorted(shell_scripts.run_blocks().values()) == sorted(scripts)
