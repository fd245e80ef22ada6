"""The permissions that bootstrap.yaml gives to deployments, and the callers that may deploy."""

import itertools
import json
import re
from collections.abc import Callable

import pytest

from tests.support import bootstrap
from tests.support.as_deployed import STACKS, Stack, as_deployed, bootstrap_stack, edge_of, governance_stack, nested_in
from tests.support.bootstrap import ACCOUNT, BUCKET, REGION, REPOSITORY, ZONE, listed
from tests.support.physical import HANDLERS, OPERATIONS, STACK_TAG, Asked, Physical, asked_of
from tools.stack import samconfig
from tools.testing.deployment import Deployment
from tools.testing.template import openapi, source, walk

ENVIRONMENTS = {"dev": "Dev", "staging": "Staging", "prod": "Prod", "preview": "Preview"}
DEPLOY = {name: bootstrap.role(f"Deploy{title}Role") for name, title in ENVIRONMENTS.items()}
EXECUTION = {name: bootstrap.role(f"Execution{title}Role") for name, title in ENVIRONMENTS.items()}
PAIRS = list(itertools.permutations(ENVIRONMENTS, 2))
HERE = f"{REGION}:{ACCOUNT}"
MADE = [
    pytest.param(environment, stack, id=f"{environment}-{name}")
    for environment in ENVIRONMENTS
    for name, stack in (("template", as_deployed), ("nested", nested_in), ("edge", edge_of))
    if (environment, name) != ("preview", "edge")
]
EVERY_STACK = pytest.mark.parametrize(("environment", "stack"), MADE)
KINDS = {"dev": "dev", "staging": "staging", "prod": "prod", "preview": "pr"}
BOUNDARY = {
    name: f"arn:aws:iam::{ACCOUNT}:policy/storefront-bootstrap-boundary-{kind}-{REGION}" for name, kind in KINDS.items()
}
BOUNDED = {name: bootstrap.policy_statements(f"Boundary{kind}") for name, kind in KINDS.items()}
Made = Callable[[str], Stack]


def arn(service: str, place: str, stack: str) -> str:
    place = place.format(stack=stack)
    if place.startswith("global:"):
        return f"arn:aws:{service}::{ACCOUNT}:{place.removeprefix('global:')}"
    return f"arn:aws:{service}:{REGION}{place}" if place.startswith("::") else f"arn:aws:{service}:{HERE}{place}"


def may(role: bootstrap.Role, asked: Asked) -> bool:
    return role.allows(asked.action, asked.resource, **dict(asked.context))


@EVERY_STACK
def test_the_handlers_of_every_type_of_resource_are_known(environment: str, stack: Made) -> None:
    types = {resource["Type"] for resource in stack(environment).resources.values()}

    assert types <= HANDLERS.keys(), "write into tests/support/handlers.toml what CloudFormation calls for them"


@EVERY_STACK
def test_cloudformation_may_make_change_tag_and_delete_every_resource(environment: str, stack: Made) -> None:
    asked = asked_of(stack, environment)

    assert {one.operation for one in asked} == {*OPERATIONS}
    assert [one for one in asked if not may(EXECUTION[environment], one)] == []


@pytest.mark.parametrize(("environment", "other"), PAIRS)
def test_an_environment_cannot_touch_what_is_another_s(environment: str, other: str) -> None:
    # Given all that names a stack: by a name that begins with it, or by its tag. The rest makes things that are not
    # there yet, reads lists, or is an action that cannot be limited to a resource.
    asked = {
        (one.action, stack(other).resources[one.logical_id]["Type"]): one
        for stack in (as_deployed, nested_in, *([] if other == "preview" else [edge_of]))
        for one in asked_of(stack, other)
        if STACKS[other] in one.resource or (STACK_TAG in dict(one.context) and named_by_aws(one))
    }

    assert len(asked) > 150
    assert [one for one in asked.values() if may(EXECUTION[environment], one)] == []


def named_by_aws(asked: Asked) -> bool:
    """Tell whether a call is about one resource whose name AWS makes."""
    return bool(re.search(r"ab12cd34ef|_Ab12Cd34E|Secret-|0a1b2c3d|/domainnames/\w", asked.resource))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(
    ("stack", "kinds"),
    [
        (bootstrap_stack, "ApiGateway::Account IAM::ManagedPolicy IAM::OIDCProvider IAM::Role S3::Bucket"),
        (governance_stack, "AccessAnalyzer::Analyzer CloudTrail::Trail Config::ConfigRule IAM::Role S3::Bucket"),
    ],
    ids=["bootstrap", "governance"],
)
def test_a_deployment_cannot_touch_what_the_account_has_once(
    environment: str, stack: Callable[[], Stack], kinds: str
) -> None:
    roles = (DEPLOY[environment], EXECUTION[environment])
    asked = [
        one
        for one in Physical(stack()).asked()
        if one.operation in ("create", "update", "delete", "tags") and "*" not in one.resource
    ]

    assert {stack().resources[one.logical_id]["Type"] for one in asked} >= {f"AWS::{kind}" for kind in kinds.split()}
    assert [one for one in asked if any(may(role, one) for role in roles)] == []


def transforms() -> set[str]:
    """Return every transform of every template, and of what they include."""
    documents = [source("template.yaml"), source("operations.yaml"), openapi()]
    named = [node["Fn::Transform"]["Name"] for one in documents for _, node in walk(one) if _is_transform(node)]
    listed_ = [name for one in documents[:2] for name in listed(one["Transform"])]
    return {name.removeprefix("AWS::") for name in (*named, *listed_)}


def _is_transform(node: object) -> bool:
    return isinstance(node, dict) and "Fn::Transform" in node


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("transform", sorted(transforms()))
def test_both_roles_may_have_every_transform_applied(transform: str, environment: str) -> None:
    for role in (DEPLOY[environment], EXECUTION[environment]):
        assert role.allows(
            "cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{REGION}:aws:transform/{transform}"
        )


def test_cloudformation_may_make_hooks_and_read_the_artifacts() -> None:
    for environment, role in EXECUTION.items():
        hook = f"arn:aws:lambda:{HERE}:function:CodeDeployHook_{STACKS[environment]}-pre-traffic"
        assert role.allows("lambda:CreateFunction", hook)
        assert role.allows("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{environment}/0123abcd")
        assert not role.allows("s3:PutObject", f"arn:aws:s3:::{BUCKET}/{environment}/0123abcd")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_records_of_the_hosted_zone_are_changed_for_addresses_only_and_not_by_previews(environment: str) -> None:
    zone, elsewhere = f"arn:aws:route53:::hostedzone/{ZONE}", "arn:aws:route53:::hostedzone/Z0SOMEBODYSELSES"

    def may_write(place: str, kind: str) -> bool:
        return EXECUTION[environment].allows(
            "route53:ChangeResourceRecordSets", place, route53_ChangeResourceRecordSetsRecordTypes=kind
        )

    assert may_write(zone, "A") is (environment != "preview")
    assert not any(may_write(zone, kind) for kind in ("TXT", "MX", "NS", "CNAME"))
    assert not may_write(elsewhere, "A")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_web_acl_is_put_before_the_stages_of_the_environment_only(environment: str) -> None:
    for other, stage in STAGES.items():
        arn = f"arn:aws:apigateway:{REGION}::/restapis/ab12cd34ef/stages/{stage}"
        may_be = environment != "preview" and stage == STAGES[environment]
        for action in ("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "apigateway:SetWebACL"):
            assert EXECUTION[environment].allows(action, arn) is may_be, other


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_roles_are_made_inside_the_boundary_only(environment: str) -> None:
    role, name = EXECUTION[environment], f"arn:aws:iam::{ACCOUNT}:role/{STACKS[environment]}-R-1"
    bounded = ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary")

    for action in bounded:
        assert role.allows(f"iam:{action}", name, iam_PermissionsBoundary=BOUNDARY[environment])
        for other in BOUNDARY.keys() - {environment}:
            assert not role.allows(f"iam:{action}", name, iam_PermissionsBoundary=BOUNDARY[other])
        assert not role.allows(f"iam:{action}", name)
        assert not role.allows(f"iam:{action}", name, iam_PermissionsBoundary="AdministratorAccess")
    assert not role.allows("iam:DeleteRolePermissionsBoundary", name, iam_PermissionsBoundary=BOUNDARY[environment])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", [role.name for role in (*DEPLOY.values(), *EXECUTION.values())])
def test_what_is_deployed_cannot_change_who_deploys(environment: str, name: str) -> None:
    target = f"arn:aws:iam::{ACCOUNT}:role/{name}"

    for action in ("PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy", "TagRole", "PassRole", "DeleteRole"):
        assert not EXECUTION[environment].allows(
            f"iam:{action}",
            target,
            iam_PermissionsBoundary=BOUNDARY[environment],
            iam_PassedToService="lambda.amazonaws.com",
        )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nobody_can_change_the_boundary_or_make_users(environment: str) -> None:
    actions = {
        action
        for role in (DEPLOY[environment], EXECUTION[environment])
        for statement in role.statements
        for action in listed(statement["Action"])
    }

    assert not [action for action in actions if re.match(r"iam:.*(User|Group|AccessKey|OpenID)", action)]
    assert not [action for action in actions if "*" in action]
    assert not actions & {"sts:AssumeRole", "sts:TagSession"}
    for policy in (
        *(f"boundary-{kind}" for kind in KINDS.values()),
        "deploy",
        "edge",
        "functions",
        "operations",
        "data",
        "roles",
    ):
        arn = f"arn:aws:iam::{ACCOUNT}:policy/storefront-bootstrap-{policy}-{REGION}"
        for action in ("CreatePolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy", "TagPolicy"):
            assert not EXECUTION[environment].allows(
                f"iam:{action}", arn, iam_PermissionsBoundary=BOUNDARY[environment]
            )


def test_no_environment_s_stacks_begin_like_another_s() -> None:
    for environment, other in PAIRS:
        assert not STACKS[other].startswith(DEPLOY[environment].tags["stacks"])
        assert STACKS[environment].startswith(DEPLOY[environment].tags["stacks"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_deploy_role_is_for_jobs_of_this_repository_in_its_environment(environment: str) -> None:
    trust = DEPLOY[environment].trust

    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:{REPOSITORY}:environment:{environment}",
        }
    }
    assert DEPLOY[environment].tags["environment"] == EXECUTION[environment].tags["environment"] == environment
    assert DEPLOY[environment].tags == EXECUTION[environment].tags


@pytest.mark.parametrize(
    "repository", ["*/storefront", "octo/*", "octo", "octo/store:environment:dev", "octo@*/s@*", ""]
)
def test_a_repository_with_a_wildcard_is_refused(repository: str) -> None:
    pattern = bootstrap.source()["Parameters"]["GitHubRepository"]["AllowedPattern"]

    assert re.fullmatch(pattern, repository) is None
    assert re.fullmatch(pattern, "octo/storefront")
    assert re.fullmatch(pattern, REPOSITORY)


@pytest.mark.parametrize(("environment", "other"), PAIRS)
def test_a_deploy_role_reaches_its_own_stacks_role_and_folder(environment: str, other: str) -> None:
    role = DEPLOY[environment]
    passed = {"iam_PassedToService": "cloudformation.amazonaws.com"}

    for name, may in ((environment, True), (other, False)):
        stack = f"arn:aws:cloudformation:{HERE}:stack/{STACKS[name]}/0123"
        assert role.allows("cloudformation:CreateChangeSet", stack) is may
        assert role.allows("cloudformation:DeleteStack", stack) is may
        assert role.allows("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{EXECUTION[name].name}", **passed) is may
        assert role.allows("s3:PutObject", f"arn:aws:s3:::{BUCKET}/{name}/0123abcd") is may
        assert role.allows("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", s3_prefix=f"{name}/0123") is may


@pytest.mark.parametrize(("environment", "other"), PAIRS)
def test_a_deploy_role_prunes_versions_of_its_own_functions(environment: str, other: str) -> None:
    role = DEPLOY[environment]

    for name, may in ((environment, True), (other, False)):
        for function in (f"{STACKS[name]}-PlaceOrderFunction-1", f"CodeDeployHook_{STACKS[name]}-pre-traffic"):
            for action in ("ListVersionsByFunction", "ListAliases", "DeleteFunction"):
                assert role.allows(f"lambda:{action}", f"arn:aws:lambda:{HERE}:function:{function}") is may
    assert role.allows("lambda:GetAccountSettings", "*")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_deploy_role_changes_resources_but_old_versions_through_cloudformation_only(environment: str) -> None:
    role = DEPLOY[environment]
    execution = f"arn:aws:iam::{ACCOUNT}:role/{EXECUTION[environment].name}"
    actions = {action for statement in role.statements for action in listed(statement["Action"])}

    assert not role.allows("iam:PassRole", execution, iam_PassedToService="lambda.amazonaws.com")
    assert {action for action in actions if not action.startswith(("cloudformation:", "s3:"))} == {
        "iam:PassRole",
        "dynamodb:DescribeTable",
        "cognito-idp:DescribeUserPool",
        # `storefront prune`
        "lambda:ListVersionsByFunction",
        "lambda:ListAliases",
        "lambda:DeleteFunction",
        "lambda:GetAccountSettings",
        "apigateway:GET",
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_the_application_s_roles_may_is_inside_the_boundary(environment: str) -> None:
    granted = set(Physical(as_deployed(environment)).granted())

    assert len(granted) > 100
    # An action outside is refused, whatever the role says.
    assert [
        one
        for one in granted
        if not bootstrap.allows(BOUNDED[environment], one.action, one.resource, dict(one.context))
    ] == []


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_role_of_an_environment_on_aws_carries_the_boundary(environment: str) -> None:
    deployed = Deployment(**samconfig.environment(environment).overrides).resources
    kind = {"Kind": {"Fn::Select": [1, {"Fn::Split": ["-", {"Fn::Sub": "${AWS::StackName}-"}]}]}}
    name = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/storefront-bootstrap-boundary-${Kind}-${AWS::Region}"
    boundary = {"Fn::Sub": [name, kind]}
    roles = {role: row["Properties"] for role, row in deployed.items() if row["Type"] == "AWS::IAM::Role"}

    assert roles
    assert {role: row.get("PermissionsBoundary") for role, row in roles.items()} == dict.fromkeys(roles, boundary)


def test_the_boundary_gives_nothing_to_administer() -> None:
    administers = re.compile(
        r"(iam|sts|cloudformation|s3|organizations):|kms:(?!Decrypt$)|:(Create|Delete)(Table|Queue|Function|Secret)"
    )

    for statement in itertools.chain.from_iterable(BOUNDED.values()):
        for action in listed(statement["Action"]):
            assert not administers.search(action)
            assert "*" not in action


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_inside_the_boundary_keys_decrypt_tables_and_secrets_through_their_services_only(environment: str) -> None:
    key = arn("kms", ":key/0a1b2c3d", "")
    via = {service: f"{service}.{REGION}.amazonaws.com" for service in ("dynamodb", "secretsmanager", "s3")}

    may_decrypt = {
        service: bootstrap.allows(BOUNDED[environment], "kms:Decrypt", key, {"kms_ViaService": value})
        for service, value in via.items()
    }

    assert may_decrypt == {"dynamodb": True, "secretsmanager": True, "s3": False}
    assert not bootstrap.allows(BOUNDED[environment], "kms:Decrypt", key, {})


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_second_word_of_a_stack_s_name_chooses_the_boundary(environment: str) -> None:
    kind = STACKS[environment].split("-")[1]

    assert BOUNDARY[environment].endswith(f"-boundary-{kind}-{REGION}")
    assert EXECUTION[environment].tags["boundary"] == kind


# Where the data and the doors of a stack are, and the context that AWS gives IAM about them.
REACHED = [
    ("dynamodb", ":table/{stack}-OrdersTable-1"),
    ("dynamodb", ":table/{stack}-OrdersTable-1/index/by-time"),
    ("dynamodb", ":table/{stack}-OrdersTable-1/stream/2026"),
    ("sqs", ":{stack}-OrdersQueue-1"),
    ("events", ":event-bus/{stack}-orders"),
    ("ssm", ":parameter/{stack}/payments/url"),
    ("secretsmanager", ":secret:CursorSecret-Ab12-Cd34"),
    ("logs", ":log-group:/aws/lambda/{stack}/place-order:log-stream:a"),
    ("logs", ":log-group:/aws/lambda/{stack}-PlaceOrderFunction-1:log-stream:a"),
    ("execute-api", ":ab12/{stage}/PUT/products/MUG-001"),
    ("execute-api", ":ab12/{stage}/POST/@connections/one"),
    ("lambda", ":function:{stack}-PlaceOrderFunction-1"),
    ("lambda", ":function:{stack}-PlaceOrderFunction-1:live"),
    ("lambda", ":function:CodeDeployHook_{stack}-pre-traffic"),
    ("codedeploy", ":application:{stack}-A-1"),
    ("codedeploy", ":deploymentgroup:{stack}-A-1/{stack}-G-1"),
    ("sns", ":{stack}-Topic-1"),
    ("states", ":stateMachine:{stack}-refunds"),
    ("states", ":execution:{stack}-refunds:an-execution"),
    ("cognito-idp", ":userpool/us-east-1_Ab12Cd34E"),
]
STAGES = {"dev": "dev", "staging": "staging", "prod": "prod", "preview": "dev"}


def reaches(environment: str, other: str, service: str, place: str) -> list[str]:
    """Return what a role with no limit but its boundary may do with a resource of an environment."""
    name = arn(service, place.replace("{stage}", STAGES[other]), STACKS[other])
    context = {"aws_ResourceTag/aws_cloudformation_stack-name": STACKS[other]}
    actions = {action for row in BOUNDED[environment] for action in listed(row["Action"])}
    return [
        action
        for action in sorted(actions)
        if action.startswith(f"{service}:") and bootstrap.allows(BOUNDED[environment], action, name, context)
        if action != "cloudwatch:DescribeAlarms"
    ]


@pytest.mark.parametrize(("service", "place"), REACHED)
@pytest.mark.parametrize(("environment", "other"), PAIRS)
def test_a_role_of_a_hostile_template_reaches_nothing_of_another_environment(
    environment: str, other: str, service: str, place: str
) -> None:
    assert reaches(other, other, service, place)
    if "{stage}" in place and STAGES[environment] == STAGES[other]:
        return  # previews and dev share the name of a stage (docs/deploying.md)
    assert reaches(environment, other, service, place) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_prod_reads_the_secret_of_its_provider(environment: str) -> None:
    provider = arn("secretsmanager", ":secret:storefront-prod-payments-AbCdEf", "")

    allowed = bootstrap.allows(BOUNDED[environment], "secretsmanager:GetSecretValue", provider, {})

    assert allowed is (environment == "prod")


def test_every_kind_of_resource_with_a_boundary_is_tried() -> None:
    tried = {service for service, _ in REACHED}
    allowed = {action.partition(":")[0] for row in BOUNDED["prod"] for action in listed(row["Action"])}

    # Alarms can be seen and traces written by all: they name no resource. A key has a policy of its own.
    assert allowed - tried == {"cloudwatch", "kms", "xray"}


@pytest.mark.parametrize(
    "policy",
    [name for name, row in bootstrap.source()["Resources"].items() if row["Type"] == "AWS::IAM::ManagedPolicy"],
)
def test_a_policy_is_not_longer_than_iam_takes(policy: str) -> None:
    # "IAM and AWS STS quotas": 6,144 characters, white space not counted
    document = json.dumps(bootstrap.policy_statements(policy), separators=(",", ":"))

    assert len(document) < 6144 - 100


def test_cloudformation_makes_no_stack_beside_the_environment_s() -> None:
    for environment, role in EXECUTION.items():
        assert not role.allows("cloudformation:CreateStack", f"arn:aws:cloudformation:{HERE}:stack/other/ab-12")
        assert not role.allows(
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/{STACKS[environment]}-R-1",
            iam_PassedToService="cloudformation.amazonaws.com",
        )


def test_the_artifact_bucket_is_private_versioned_and_tls_only() -> None:
    found = bootstrap.source()["Resources"]
    bucket, (statement,) = (
        found["ArtifactBucket"],
        found["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"],
    )

    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
