"""The workflows that GitHub runs, and their permissions."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.bootstrap import source as bootstrap
from tools.stack.stack import ROOT
from tools.testing.template import walk

Json = dict[Any, Any]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# A secret is in nobody's hands if there is none: AWS knows a job by its token.
TOKEN_FOR_AWS = {"contents": "read", "id-token": "write"}


@cache
def workflow(name: str) -> Json:
    parsed: Json = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    # YAML 1.1 takes `on` for true.
    return {**parsed, "on": parsed.pop(True)}


def jobs() -> list[tuple[str, str, Json]]:
    return [(path.stem, name, job) for path in WORKFLOWS for name, job in workflow(path.stem)["jobs"].items()]


def steps() -> list[tuple[str, Json]]:
    return [(f"{file}: {name}", step) for file, name, job in jobs() for step in job.get("steps", [])]


def needed(name: str, job: str) -> set[str]:
    """Return all jobs that must have succeeded before one."""
    needs = workflow(name)["jobs"][job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed(name, other) for other in direct))


def used() -> list[str]:
    """Return what jobs and steps use, once for each use."""
    return [one["uses"] for one in (*(job for *_, job in jobs()), *(step for _, step in steps())) if "uses" in one]


@pytest.mark.parametrize("action", sorted(set(used())))
def test_every_action_is_pinned_to_a_commit(action: str) -> None:
    assert action.startswith("./.github/workflows/") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)


def test_the_version_of_an_action_stands_beside_its_commit() -> None:
    # A comment, which only the text has: whoever updates the commit, by hand or as a service, goes by it.
    lines = [line for path in WORKFLOWS for line in path.read_text().splitlines() if re.search(r"@[0-9a-f]{40}", line)]

    assert len(lines) == len([action for action in used() if "@" in action])
    assert [line for line in lines if not re.search(r"  # v\d+\.\d+\.\d+$", line)] == []


def test_an_action_has_one_version_everywhere() -> None:
    actions = set(used())

    assert len({action.partition("@")[0] for action in actions}) == len(actions)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_each_job_says_what_it_may(path: Path) -> None:
    assert workflow(path.stem)["permissions"] == {"contents": "read"}
    for name, job in workflow(path.stem)["jobs"].items():
        assert job["permissions"] in ({}, {"contents": "read"}, TOKEN_FOR_AWS), name


def test_a_token_for_aws_is_given_to_jobs_in_an_environment_only() -> None:
    for file, name, job in jobs():
        if job["permissions"] == TOKEN_FOR_AWS and "uses" not in job:
            assert job["environment"], f"{file}: {name}"


@pytest.mark.parametrize(("place", "step"), steps())
def test_a_step_leaves_no_credentials_behind_and_mixes_no_input_into_its_script(place: str, step: Json) -> None:
    if step.get("uses", "").startswith("actions/checkout@"):
        assert step["with"]["persist-credentials"] is False
    assert "${{" not in step.get("run", ""), "hand it over in env: as text it would become a part of the script"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_there_are_no_secrets_and_no_rights_for_strangers(path: Path) -> None:
    said = list(walk(workflow(path.stem)))
    keys = {key for keys, _ in said for key in keys}

    assert not keys & {"secrets", "aws-access-key-id"}
    assert not [value for _, value in said if isinstance(value, str) and re.search(r"\bsecrets\b", value)]
    assert not {"pull_request_target", "workflow_run"} & set(workflow(path.stem)["on"])


def test_every_job_has_a_time_limit() -> None:
    for file, name, job in jobs():
        if "uses" not in job:
            assert job["timeout-minutes"] <= 60, f"{file}: {name}"


def test_checks_take_ten_minutes_at_most() -> None:
    for name, job in workflow("ci")["jobs"].items():
        assert job["timeout-minutes"] <= 10, name


def test_tests_run_on_every_supported_python_and_none_is_left_out() -> None:
    matrix = workflow("ci")["jobs"]["test"]["strategy"]["matrix"]
    folders = {str(path.parent.relative_to(ROOT)) for path in (ROOT / "tests").glob("*/test_*.py")}

    assert matrix["python"][:3] == ["3.11", "3.12", "3.13"]
    parts = [*matrix["part"], *(added["part"] for added in matrix["include"])]
    assert {folder for part in parts for folder in part["tests"].split()} == folders


def test_a_change_passes_when_everything_has_succeeded() -> None:
    passed = workflow("ci")["jobs"]["passed"]

    assert set(passed["needs"]) == workflow("ci")["jobs"].keys() - {"passed"}
    assert passed["steps"][0]["run"] == f'test "$RESULTS" = "{" ".join(["success"] * len(passed["needs"]))}"'


def test_nothing_is_deployed_unchecked_and_each_environment_follows_the_one_before() -> None:
    assert workflow("deploy")["jobs"]["check"]["uses"] == "./.github/workflows/ci.yml"
    assert needed("deploy", "dev") == {"check", "build"}
    assert needed("deploy", "staging") == {"check", "build", "dev"}
    assert needed("deploy", "prod") == {"check", "build", "dev", "staging"}


def test_no_job_of_a_release_goes_on_when_one_before_it_has_failed() -> None:
    assert [name for name, job in workflow("deploy")["jobs"].items() if "if" in job or "continue-on-error" in job] == []


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_environment_gets_the_same_artifact(environment: str) -> None:
    job = workflow("deploy")["jobs"][environment]

    assert job["uses"] == "./.github/workflows/deploy-environment.yml"
    assert job["with"] == {
        "environment": environment,
        "settings": environment,
        "stack": f"storefront-{environment}",
        "digest": "${{ needs.build.outputs.digest }}",
    }


def test_an_artifact_is_checked_before_it_is_unpacked_and_a_deployment_is_tried_out() -> None:
    scripts = [step.get("run", "") for step in workflow("deploy-environment")["jobs"]["deploy"]["steps"]]
    (unpacked,) = [script for script in scripts if "tar -x" in script]

    assert unpacked.index("sha256sum --check") < unpacked.index("tar -x")
    assert scripts[-2] == '.venv/bin/storefront smoke --stack "$STACK"'
    assert not any("sam build" in script or "make build" in script for script in scripts)


def test_a_deployment_that_has_passed_deletes_the_versions_that_nothing_needs() -> None:
    *_, last = workflow("deploy-environment")["jobs"]["deploy"]["steps"]

    # Only then: after a failed smoke test, an alias may have to go back to one of them.
    assert last["run"] == '.venv/bin/storefront prune --stack "$STACK" --yes'
    assert last["env"] == {"STACK": "${{ inputs.stack }}"}


def test_a_build_comes_with_its_bill_of_materials() -> None:
    found = workflow("build")["jobs"]["build"]["steps"]

    assert ".venv/bin/storefront bom" in [step.get("run") for step in found]
    assert found[-1]["with"]["path"].split() == ["application.tar", "bom.json"]


def test_releases_of_one_stack_do_not_overlap_and_hold_up_no_other_environment() -> None:
    assert workflow("deploy-environment")["jobs"]["deploy"]["concurrency"] == {
        "group": "deploy-${{ inputs.stack }}",
        "cancel-in-progress": False,
    }
    assert "concurrency" not in workflow("deploy")
    assert not [name for name, job in workflow("deploy")["jobs"].items() if "concurrency" in job]
    assert workflow("deploy")["on"] == {"push": {"branches": ["main"]}}


def test_a_pull_request_from_elsewhere_gets_no_stack() -> None:
    found = workflow("preview")["jobs"]

    for name in ("build", "remove"):
        assert found[name]["if"].endswith("github.event.pull_request.head.repo.full_name == github.repository")
    assert found["deploy"]["needs"] == "build"


def test_a_preview_is_named_as_its_roles_expect_and_removed_in_the_end() -> None:
    tags = bootstrap()["Resources"]["DeployPreviewRole"]["Properties"]["Tags"]
    (begins,) = [tag["Value"] for tag in tags if tag["Key"] == "stacks"]
    found = workflow("preview")["jobs"]

    assert found["deploy"]["with"]["stack"].startswith(begins)
    assert found["deploy"]["with"]["environment"] == found["remove"]["environment"] == "preview"
    assert found["remove"]["steps"][-1]["env"]["STACK"] == found["deploy"]["with"]["stack"]
    assert "closed" in workflow("preview")["on"]["pull_request"]["types"]


COMMANDS = sorted({command for _, step in steps() for command in re.findall(r"make ([a-z-]+)", step.get("run", ""))})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_make_command_is_one(command: str) -> None:
    known = subprocess.run(["make", "--dry-run", command], cwd=ROOT, capture_output=True, check=False)

    assert known.returncode == 0


def test_a_pull_request_s_own_code_never_runs_with_a_role() -> None:
    preview = workflow("preview")["jobs"]
    base = "${{ github.event.pull_request.base.sha }}"

    assert preview["deploy"]["with"]["tools"] == base
    for job in (preview["remove"], workflow("deploy-environment")["jobs"]["deploy"]):
        checkouts = [
            step["with"]["ref"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")
        ]
        assert checkouts in ([base], ["${{ inputs.tools }}"])
    scripts = [step.get("run", "") for step in workflow("deploy-environment")["jobs"]["deploy"]["steps"]]
    unpacked = [line for script in scripts for line in script.splitlines() if line.startswith("tar ")]
    assert unpacked == ["tar -xf application.tar .aws-sam/build"]
    # The job that runs it cannot ask for a token.
    assert "id-token" not in preview["build"]["permissions"]
