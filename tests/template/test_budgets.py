"""How large the stacks and their templates may grow.

The limits are CloudFormation's, IAM's and Lambda's; the budgets are ours, near what is there, and leave room for more.
"""

import json
import re
import tomllib
from collections.abc import Callable

import pytest

from tests.support.as_deployed import NESTED, SETTINGS, Stack, as_deployed, edge_of, nested_in
from tools.stack import samconfig
from tools.testing.roles import attached
from tools.testing.template import ROOT, resources, source, translated

TEMPLATES = ("template.yaml", "operations.yaml", "edge.yaml")
GRADUAL = translated(GradualReleases="true")
# "Understand CloudFormation quotas", AWS CloudFormation User Guide: 500 resources, 200 parameters, 200 outputs, 1 MB of
# template (51,200 bytes where it does not come from S3)
MOST_RESOURCES = {"template.yaml": 440, "operations.yaml": 60, "edge.yaml": 20}
MOST_LINES = {"template.yaml": 2900, "operations.yaml": 700, "edge.yaml": 200}
MOST_BYTES = {"template.yaml": 140_000, "operations.yaml": 40_000, "edge.yaml": 10_000}
MOST_TRANSLATED_BYTES = 500_000
MOST_PARAMETERS = 40
MOST_OUTPUTS = 40
# "Lambda quotas", AWS Lambda Developer Guide: of a region, compressed; the bound of a package is not
MOST_CODE_BYTES = 75 * 10**9
# "IAM and AWS STS quotas", AWS IAM User Guide: white space does not count; and managed policies of a role
MOST_POLICY_CHARACTERS, MOST_POLICIES = 6144, 10
# "CreateFunction", AWS Lambda API Reference; "CreateRole", AWS IAM API Reference; "PutRule", Amazon EventBridge API
# Reference
MOST_NAME_CHARACTERS = 64
# The longest name that the template takes (section "Releases: hooks"), and the longest that is used
LONGEST_STACK = "s" * 36
LONGEST_USED_STACK = max(
    [*(samconfig.environment(name).stack for name in samconfig.ENVIRONMENTS), "storefront-pr-99999"], key=len
)
# CloudFormation ends the names that it makes with a hyphen and this number of characters.
SUFFIX = 13


@pytest.mark.parametrize("environment", SETTINGS)
def test_a_stack_has_room_for_more_functions(environment: str) -> None:
    deployed, nested = as_deployed(environment).resources, nested_in(environment).resources

    releases = [one for one in deployed.values() if one["Type"] == "AWS::CodeDeploy::DeploymentGroup"]
    assert bool(releases) is (environment in ("staging", "prod"))
    assert len(deployed) <= MOST_RESOURCES["template.yaml"]
    assert len(nested) <= MOST_RESOURCES["operations.yaml"]


def test_the_edge_has_room_too() -> None:
    assert len(edge_of("prod").resources) <= MOST_RESOURCES["edge.yaml"]


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_template_can_be_read(file: str) -> None:
    lines = (ROOT / file).read_text().splitlines()

    assert len(lines) <= MOST_LINES[file]
    assert [number for number, line in enumerate(lines, start=1) if len(line) > 120] == []


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_template_is_far_from_the_limit_of_cloudformation(file: str) -> None:
    assert len((ROOT / file).read_bytes()) <= MOST_BYTES[file]


@pytest.mark.parametrize("stack", [as_deployed, nested_in], ids=["template", "nested"])
@pytest.mark.parametrize("environment", SETTINGS)
def test_a_template_is_far_from_the_limit_after_its_transforms_too(
    environment: str, stack: Callable[[str], Stack]
) -> None:
    assert len(json.dumps(stack(environment).template)) <= MOST_TRANSLATED_BYTES


def test_a_region_has_room_for_forty_releases_that_nobody_prunes() -> None:
    bounds = tomllib.loads((ROOT / "tools" / "bench" / "bounds.toml").read_text())
    environments = ("dev", "staging", "prod")
    versions = sum(
        one["Type"] == "AWS::Lambda::Version" for name in environments for one in as_deployed(name).resources.values()
    )

    assert versions > 3 * 20
    assert 40 * versions * bounds["megabytes_of_package"] * 10**6 <= MOST_CODE_BYTES


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_template_has_few_parameters_and_outputs(file: str) -> None:
    assert len(source(file)["Parameters"]) <= MOST_PARAMETERS
    assert len(source(file)["Outputs"]) <= MOST_OUTPUTS


@pytest.mark.parametrize(("part", "file"), NESTED.items())
def test_a_nested_stack_is_given_every_parameter_that_it_declares_and_no_other(part: str, file: str) -> None:
    given = source()["Resources"][part]["Properties"]["Parameters"]

    assert given.keys() == source(file)["Parameters"].keys()


@pytest.mark.parametrize("policy", resources("AWS::IAM::ManagedPolicy"))
def test_a_policy_is_not_longer_than_iam_takes(policy: str) -> None:
    document = json.dumps(resources("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"], separators=(",", ":"))

    # A reference is shorter or longer than the name that takes its place: half of the limit is room for that.
    assert len(document) <= MOST_POLICY_CHARACTERS / 2


@pytest.mark.parametrize("role", resources("AWS::IAM::Role"))
def test_a_role_takes_fewer_policies_than_iam_lets_it(role: str) -> None:
    assert len(attached(role)) <= MOST_POLICIES


@pytest.mark.parametrize(("kind", "name"), [("AWS::Lambda::Function", "FunctionName"), ("AWS::Events::Rule", "Name")])
def test_a_name_that_the_template_makes_is_not_too_long(kind: str, name: str) -> None:
    made = [
        one[name]["Fn::Sub"].replace("${AWS::StackName}", LONGEST_STACK)
        for one in resources(kind).values()
        if name in one
    ]

    assert made
    assert [each for each in made if len(each) > MOST_NAME_CHARACTERS or "${" in each] == []


@pytest.mark.parametrize("kind", ["AWS::Lambda::Function", "AWS::IAM::Role"])
def test_a_name_that_cloudformation_makes_is_not_shortened(kind: str) -> None:
    longest = max(resources(kind, GRADUAL), key=len)

    assert re.fullmatch(r"\w+", longest)
    assert len(f"{LONGEST_USED_STACK}-{longest}-") + SUFFIX <= MOST_NAME_CHARACTERS
