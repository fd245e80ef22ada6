"""Every `sam deploy` of workflows, Makefile and command line, run as written up to the change set that it asks for."""

import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse

from tests.support.as_deployed import NESTED
from tests.support.cloud_formation import MANAGED_BUCKET, ChangeSet, cloud_formation
from tools.stack import apart, samconfig
from tools.stack.stack import DEPLOYED_FILES, ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
# The variables of each GitHub environment (docs/deploying.md), and of a pull request
CONTEXT = {
    "vars.EXECUTION_ROLE": "arn:aws:iam::123456789012:role/execution",
    "vars.ARTIFACT_BUCKET": "artifacts",
    "github.event.pull_request.number": "7",
}
DEPLOYED = {"dev": "storefront-dev", "staging": "storefront-staging", "prod": "storefront-prod"}
JOBS = [("deploy", environment) for environment in DEPLOYED] + [("preview", "deploy")]


def jobs_of(workflow: str) -> Any:
    return yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text())["jobs"]


def filled_in(text: str, inputs: dict[str, str]) -> str:
    """Put in what GitHub puts in for `${{ ... }}`."""
    known = CONTEXT | {f"inputs.{name}": value for name, value in inputs.items()}
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda name: known.get(name[1], ""), text)


def step_of(workflow: str, job: str) -> tuple[str, dict[str, str]]:
    """Return the script that deploys for a job, and its environment."""
    given = {name: filled_in(value, {}) for name, value in jobs_of(workflow)[job]["with"].items()}
    (step,) = [one for one in jobs_of("deploy-environment")["deploy"]["steps"] if "sam deploy" in one.get("run", "")]
    return step["run"], {name: filled_in(value, given) for name, value in step["env"].items()}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a build in it, whose packages are small, and with the real SAM CLI."""
    built = tmp_path / ".aws-sam" / "build"
    for folder in (tmp_path, built):
        for part in ("src", "sandbox"):
            (folder / part).mkdir(parents=True)
            (folder / part / "code.py").write_text("")
        for name in DEPLOYED_FILES:
            shutil.copy(ROOT / name, folder)
    shutil.copy(ROOT / "bootstrap.yaml", tmp_path)
    shutil.copy(ROOT / "samconfig.toml", tmp_path)
    sam = tmp_path / ".venv" / "bin" / "sam"
    sam.parent.mkdir(parents=True)
    sam.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tools.stack.sam "$@"\n')
    sam.chmod(0o755)
    # Otherwise it asks the package index for a newer version of itself.
    (tmp_path / "sam").mkdir()
    (tmp_path / "sam" / "metadata.json").write_text(json.dumps({"lastVersionCheck": time.time()}))
    return tmp_path


def asked_for(script: str, checkout: Path, **environment: str) -> ChangeSet:
    """Run a script as GitHub does, and return the change set that it asks for."""
    with cloud_formation() as services:
        ran = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=checkout,
            env=apart.variables()
            | {"AWS_ENDPOINT_URL": services.address, "AWS_DEFAULT_REGION": "eu-west-1"}
            | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
            | {"SAM_CLI_TELEMETRY": "0", "__SAM_CLI_APP_DIR": str(checkout / "sam")}
            | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (asked,) = services.change_sets
    if not asked.template_body:
        (template,) = [body for key, body in services.uploads.items() if asked.template_url.endswith(key)]
        assert nested_addresses(template) <= {f"{services.address}{key}" for key in services.uploads}
    return asked


def nested_addresses(template: bytes) -> set[str]:
    """Return where an uploaded template says that its nested stacks' templates are."""
    made = yaml_parse(template.decode())["Resources"]
    found = {name: one["Properties"]["Location"] for name, one in made.items() if _is_application(one)}
    assert found.keys() == NESTED.keys()
    return {*found.values()}


def _is_application(resource: Any) -> bool:
    return isinstance(resource, dict) and resource["Type"] == "AWS::Serverless::Application"


def settings_of(environment: str) -> tuple[list[str], dict[str, str]]:
    """Return capabilities and tags of an environment in samconfig.toml."""
    found = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]["deploy"]["parameters"]
    return found["capabilities"], dict(tag.split("=") for tag in found["tags"])


def assert_is_deployed_as_configured(asked: ChangeSet, environment: str) -> None:
    assert asked.parameters == samconfig.environment(environment).overrides
    assert (asked.capabilities, asked.tags) == settings_of(environment)


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_workflow_deploys_what_samconfig_says(workflow: str, job: str, checkout: Path) -> None:
    script, environment = step_of(workflow, job)

    asked = asked_for(script, checkout, **environment)

    assert_is_deployed_as_configured(asked, environment["SETTINGS"])
    assert asked.stack == DEPLOYED.get(job, "storefront-pr-7")
    assert asked.role == CONTEXT["vars.EXECUTION_ROLE"]
    assert f"/{CONTEXT['vars.ARTIFACT_BUCKET']}/{environment['ENVIRONMENT']}/" in asked.template_url


@pytest.mark.parametrize(("workflow", "job"), JOBS[:1])
def test_a_workflow_deploys_nothing_that_was_not_built(workflow: str, job: str, checkout: Path) -> None:
    script, environment = step_of(workflow, job)
    shutil.rmtree(checkout / ".aws-sam")

    with pytest.raises(AssertionError, match="Template file not found"):
        asked_for(script, checkout, **environment)


@pytest.mark.parametrize("environment", DEPLOYED)
def test_make_deploy_deploys_what_samconfig_says(environment: str, checkout: Path) -> None:
    printed = subprocess.run(["make", "--dry-run", "deploy"], cwd=ROOT, capture_output=True, text=True, check=True)

    asked = asked_for(printed.stdout.splitlines()[-1], checkout, ENVIRONMENT=environment)

    assert_is_deployed_as_configured(asked, environment)
    assert asked.stack == DEPLOYED[environment]
    assert f"/{MANAGED_BUCKET}/" in asked.template_url


@pytest.mark.parametrize("parameters", [{}, {"RecordConfiguration": "false", "RetentionDays": "30"}])
def test_governance_is_deployed_once_for_the_account_with_what_is_said(
    parameters: dict[str, str], checkout: Path
) -> None:
    given = " ".join(f"{name}={value}" for name, value in parameters.items())

    asked = asked_for(f'"{sys.executable}" -m tools governance {given}', ROOT, __SAM_CLI_APP_DIR=str(checkout / "sam"))

    assert (asked.stack, asked.parameters) == ("storefront-governance", parameters)
    assert (asked.capabilities, asked.tags) == settings_of("governance")
    assert "AWS::CloudTrail::Trail" in asked.template_body
    assert len(asked.template_body.encode()) <= 51_200


def test_the_first_deployment_by_hand_goes_to_dev(checkout: Path) -> None:
    asked = asked_for(".venv/bin/sam deploy", checkout)

    assert_is_deployed_as_configured(asked, "dev")
    assert asked.stack == DEPLOYED["dev"]


def test_bootstrap_fits_into_one_request_and_may_make_roles_with_names(checkout: Path) -> None:
    command = f'"{sys.executable}" -m tools bootstrap octo@1/storefront@2 Environments=development'

    asked = asked_for(command, ROOT, __SAM_CLI_APP_DIR=str(checkout / "sam"))

    assert asked.stack == "storefront-bootstrap"
    assert asked.parameters == {"GitHubRepository": "octo@1/storefront@2", "Environments": "development"}
    assert (asked.capabilities, asked.tags) == settings_of("bootstrap")
    # No bucket exists yet ("Understand CloudFormation quotas", AWS CloudFormation User Guide: 51,200 bytes).
    assert len(asked.template_body.encode()) <= 51_200
