"""What bootstrap.yaml lets deployments do, and whom it lets deploy."""

import itertools
import json
import re

import pytest

from tests.support import bootstrap
from tests.support.bootstrap import ACCOUNT, BUCKET, REGION, REPOSITORY, listed
from tools.stack import samconfig
from tools.testing.deployment import Deployment
from tools.testing.roles import TRACING_POLICY, statements
from tools.testing.template import operations, resources, translated

ENVIRONMENTS = {"dev": "Dev", "staging": "Staging", "prod": "Prod", "preview": "Preview"}
DEPLOY = {name: bootstrap.role(f"Deploy{title}Role") for name, title in ENVIRONMENTS.items()}
EXECUTION = {name: bootstrap.role(f"Execution{title}Role") for name, title in ENVIRONMENTS.items()}
STACKS = {
    "dev": "storefront-dev",
    "staging": "storefront-staging",
    "prod": "storefront-prod",
    "preview": "storefront-pr-7",
}
PAIRS = list(itertools.permutations(ENVIRONMENTS, 2))
HERE = f"{REGION}:{ACCOUNT}"

_TAGS = "TagResource UntagResource ListTagsForResource"
# What CloudFormation calls to create, read, update and delete each type with the properties that template.yaml gives
# it, and where. Written down from knowledge of the services' APIs, since CloudFormation's own list (`handlers` in the
# types' schemas) comes with none of the tools. No deployment to AWS has confirmed it yet.
NEEDS: dict[str, tuple[str, str, str]] = {
    "AWS::ApiGateway::Deployment": ("apigateway", "POST GET PATCH DELETE", "::/restapis/ab12/deployments/cd34"),
    "AWS::ApiGateway::RestApi": ("apigateway", "POST GET PUT PATCH DELETE UpdateRestApiPolicy", "::/restapis/ab12"),
    "AWS::ApiGateway::Stage": ("apigateway", "POST PUT GET PATCH DELETE", "::/restapis/ab12/stages/dev"),
    "AWS::ApiGateway::UsagePlan": ("apigateway", "POST PUT GET PATCH DELETE", "::/usageplans/ab12"),
    "AWS::ApiGatewayV2::Api": ("apigateway", "POST PUT GET PATCH DELETE", "::/apis/ab12"),
    "AWS::ApiGatewayV2::Authorizer": ("apigateway", "POST PUT GET PATCH DELETE", "::/apis/ab12/authorizers/cd34"),
    "AWS::ApiGatewayV2::Deployment": ("apigateway", "POST PUT GET PATCH DELETE", "::/apis/ab12/deployments/cd34"),
    "AWS::ApiGatewayV2::Integration": ("apigateway", "POST PUT GET PATCH DELETE", "::/apis/ab12/integrations/cd34"),
    "AWS::ApiGatewayV2::Route": ("apigateway", "POST PUT GET PATCH DELETE", "::/apis/ab12/routes/cd34"),
    "AWS::ApiGatewayV2::Stage": ("apigateway", "POST PUT GET PATCH DELETE", "::/apis/ab12/stages/dev"),
    "AWS::CloudFormation::Stack": (
        "cloudformation",
        "CreateStack UpdateStack DeleteStack DescribeStacks TagResource UntagResource",
        ":stack/{stack}-Operations-1/ab-12",
    ),
    "AWS::CloudWatch::Alarm": (
        "cloudwatch",
        f"PutMetricAlarm DescribeAlarms DeleteAlarms {_TAGS}",
        ":alarm:{stack}-A-1",
    ),
    "AWS::CloudWatch::CompositeAlarm": (
        "cloudwatch",
        f"PutCompositeAlarm DescribeAlarms DeleteAlarms {_TAGS}",
        ":alarm:{stack}-A-1",
    ),
    "AWS::CloudWatch::Dashboard": (
        "cloudwatch",
        f"PutDashboard GetDashboard DeleteDashboards {_TAGS}",
        "global:dashboard/{stack}-D",
    ),
    "AWS::CodeDeploy::Application": (
        "codedeploy",
        f"CreateApplication GetApplication UpdateApplication DeleteApplication {_TAGS}",
        ":application:{stack}-A-1",
    ),
    "AWS::CodeDeploy::DeploymentGroup": (
        "codedeploy",
        f"CreateDeploymentGroup GetDeploymentGroup UpdateDeploymentGroup DeleteDeploymentGroup {_TAGS}",
        ":deploymentgroup:{stack}-A-1/{stack}-G-1",
    ),
    "AWS::Cognito::UserPool": (
        "cognito-idp",
        f"CreateUserPool DescribeUserPool UpdateUserPool DeleteUserPool"
        f" GetUserPoolMfaConfig SetUserPoolMfaConfig {_TAGS}",
        f":userpool/{REGION}_Ab12",
    ),
    "AWS::Cognito::UserPoolClient": (
        "cognito-idp",
        "CreateUserPoolClient DescribeUserPoolClient UpdateUserPoolClient DeleteUserPoolClient",
        f":userpool/{REGION}_Ab12",
    ),
    "AWS::Cognito::UserPoolGroup": (
        "cognito-idp",
        "CreateGroup GetGroup UpdateGroup DeleteGroup",
        f":userpool/{REGION}_Ab12",
    ),
    "AWS::DynamoDB::Table": (
        "dynamodb",
        "CreateTable DescribeTable UpdateTable DeleteTable DescribeTimeToLive UpdateTimeToLive"
        " DescribeContinuousBackups UpdateContinuousBackups DescribeContributorInsights"
        " DescribeKinesisStreamingDestination TagResource UntagResource ListTagsOfResource",
        ":table/{stack}-T-1",
    ),
    "AWS::Events::EventBus": (
        "events",
        f"CreateEventBus DescribeEventBus UpdateEventBus DeleteEventBus {_TAGS}",
        ":event-bus/{stack}-orders",
    ),
    "AWS::Events::Rule": (
        "events",
        f"PutRule DescribeRule DeleteRule PutTargets RemoveTargets ListTargetsByRule {_TAGS}",
        ":rule/{stack}-orders/{stack}-R-1",
    ),
    "AWS::IAM::ManagedPolicy": (
        "iam",
        "CreatePolicy GetPolicy GetPolicyVersion ListPolicyVersions ListEntitiesForPolicy CreatePolicyVersion"
        " DeletePolicyVersion DeletePolicy TagPolicy UntagPolicy",
        "global:policy/{stack}-P-1",
    ),
    "AWS::IAM::Role": (
        "iam",
        "CreateRole GetRole UpdateRole UpdateAssumeRolePolicy DeleteRole PutRolePolicy GetRolePolicy ListRolePolicies"
        " DeleteRolePolicy AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies"
        " PutRolePermissionsBoundary TagRole UntagRole PassRole",
        "global:role/{stack}-R-1",
    ),
    "AWS::Lambda::Alias": ("lambda", "CreateAlias GetAlias UpdateAlias DeleteAlias", ":function:{stack}-F-1"),
    "AWS::Lambda::EventSourceMapping": (
        "lambda",
        "CreateEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping"
        " TagResource ListTags",
        ":event-source-mapping:ab-12",
    ),
    "AWS::Lambda::Function": (
        "lambda",
        "CreateFunction GetFunction GetFunctionConfiguration UpdateFunctionCode UpdateFunctionConfiguration"
        " DeleteFunction GetFunctionCodeSigningConfig GetFunctionRecursionConfig GetRuntimeManagementConfig"
        " PutFunctionConcurrency DeleteFunctionConcurrency TagResource UntagResource ListTags",
        ":function:{stack}-F-1",
    ),
    "AWS::Lambda::Permission": ("lambda", "AddPermission GetPolicy RemovePermission", ":function:{stack}-F-1:live"),
    "AWS::Lambda::Url": (
        "lambda",
        "CreateFunctionUrlConfig GetFunctionUrlConfig UpdateFunctionUrlConfig DeleteFunctionUrlConfig",
        ":function:{stack}-F-1:live",
    ),
    "AWS::Lambda::Version": (
        "lambda",
        "PublishVersion GetFunctionConfiguration ListVersionsByFunction DeleteFunction",
        ":function:{stack}-F-1",
    ),
    "AWS::Logs::LogGroup": (
        "logs",
        f"CreateLogGroup DescribeLogGroups PutRetentionPolicy DeleteRetentionPolicy DeleteLogGroup {_TAGS}",
        ":log-group:/aws/lambda/{stack}/f",
    ),
    "AWS::Logs::MetricFilter": (
        "logs",
        "PutMetricFilter DescribeMetricFilters DeleteMetricFilter",
        ":log-group:/aws/lambda/{stack}/f:*",
    ),
    "AWS::Logs::QueryDefinition": (
        "logs",
        "PutQueryDefinition DescribeQueryDefinitions DeleteQueryDefinition",
        ":query-definition:ab-12",
    ),
    "AWS::SNS::Subscription": ("sns", "Subscribe Unsubscribe ListSubscriptionsByTopic", ":{stack}-T-1"),
    "AWS::SNS::TopicPolicy": ("sns", "GetTopicAttributes SetTopicAttributes", ":{stack}-T-1"),
    "AWS::SNS::Topic": (
        "sns",
        f"CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic Subscribe ListSubscriptionsByTopic {_TAGS}",
        ":{stack}-T-1",
    ),
    "AWS::SQS::Queue": (
        "sqs",
        "CreateQueue GetQueueAttributes GetQueueUrl SetQueueAttributes DeleteQueue TagQueue UntagQueue ListQueueTags",
        ":{stack}-Q-1",
    ),
    "AWS::SQS::QueuePolicy": ("sqs", "GetQueueAttributes SetQueueAttributes", ":{stack}-Q-1"),
    "AWS::SSM::Parameter": (
        "ssm",
        "PutParameter GetParameters DescribeParameters DeleteParameter AddTagsToResource RemoveTagsFromResource"
        " ListTagsForResource",
        ":parameter/{stack}/payments/url",
    ),
    "AWS::SecretsManager::Secret": (
        "secretsmanager",
        "CreateSecret GetRandomPassword DescribeSecret UpdateSecret DeleteSecret TagResource UntagResource",
        ":secret:CursorSecret-Ab12-Cd34",
    ),
}
# What AWS tells IAM about a call, where it depends on it
CONTEXT = {
    "lambda_FunctionArn": f"arn:aws:lambda:{HERE}:function:{{stack}}-F-1:live",
    "iam_PassedToService": "lambda.amazonaws.com",
    # CloudFormation puts it on what it makes, and nobody else can.
    "aws_ResourceTag/aws_cloudformation_stack-name": "{stack}",
}
KINDS = {"dev": "dev", "staging": "staging", "prod": "prod", "preview": "pr"}
BOUNDARY = {
    name: f"arn:aws:iam::{ACCOUNT}:policy/storefront-bootstrap-boundary-{kind}-{REGION}" for name, kind in KINDS.items()
}
BOUNDED = {name: bootstrap.policy_statements(f"Boundary{kind}") for name, kind in KINDS.items()}


def arn(service: str, place: str, stack: str) -> str:
    place = place.format(stack=stack)
    if place.startswith("global:"):
        return f"arn:aws:{service}::{ACCOUNT}:{place.removeprefix('global:')}"
    return f"arn:aws:{service}:{REGION}{place}" if place.startswith("::") else f"arn:aws:{service}:{HERE}{place}"


def refused(environment: str, kind: str, stack: str) -> list[str]:
    service, actions, place = NEEDS[kind]
    context = {key: value.format(stack=stack) for key, value in CONTEXT.items()}
    context["iam_PermissionsBoundary"] = BOUNDARY[environment]
    return [
        action
        for action in actions.split()
        if not EXECUTION[environment].allows(f"{service}:{action}", arn(service, place, stack), **context)
    ]


@pytest.mark.parametrize(
    "kind",
    sorted({resource["Type"] for each in (translated(), operations()) for resource in each["Resources"].values()}),
)
def test_cloudformation_may_make_each_type_of_resource_in_the_template(kind: str) -> None:
    assert kind in NEEDS, "write into NEEDS what CloudFormation calls for it, and allow it in bootstrap.yaml"

    for environment in ENVIRONMENTS:
        assert refused(environment, kind, STACKS[environment]) == [], environment


def is_told_by_stack(kind: str) -> bool:
    """Tell whether the name or the tag of a resource of a type says whose it is."""
    service, _, place = NEEDS[kind]
    return "{stack}" in place or service in ("apigateway", "cognito-idp", "secretsmanager")


@pytest.mark.parametrize("kind", sorted(filter(is_told_by_stack, NEEDS)))
@pytest.mark.parametrize(("environment", "other"), PAIRS)
def test_an_environment_cannot_touch_what_is_another_s(environment: str, other: str, kind: str) -> None:
    # Given what needs no resource: looking for things
    harmless = {"DescribeAlarms", "DescribeLogGroups", "DescribeParameters", "CreateUserPool", "GetRandomPassword"}

    # Then
    assert set(refused(environment, kind, STACKS[other])) >= set(NEEDS[kind][1].split()) - harmless


def test_cloudformation_may_make_hooks_and_read_the_artifacts() -> None:
    for environment, role in EXECUTION.items():
        hook = f"arn:aws:lambda:{HERE}:function:CodeDeployHook_{STACKS[environment]}-pre-traffic"
        assert role.allows("lambda:CreateFunction", hook)
        assert role.allows("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{environment}/0123abcd")
        assert not role.allows("s3:PutObject", f"arn:aws:s3:::{BUCKET}/{environment}/0123abcd")


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
    for policy in (*(f"boundary-{kind}" for kind in KINDS.values()), "deploy", "functions", "data", "roles"):
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


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_deploy_role_changes_resources_through_cloudformation_only(environment: str) -> None:
    role = DEPLOY[environment]
    execution = f"arn:aws:iam::{ACCOUNT}:role/{EXECUTION[environment].name}"
    actions = {action for statement in role.statements for action in listed(statement["Action"])}

    assert not role.allows("iam:PassRole", execution, iam_PassedToService="lambda.amazonaws.com")
    assert {action for action in actions if not action.startswith(("cloudformation:", "s3:"))} == {
        "iam:PassRole",
        "dynamodb:DescribeTable",
        "cognito-idp:DescribeUserPool",
    }


@pytest.mark.parametrize("role", resources("AWS::IAM::Role"))
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_the_application_s_roles_are_for_is_inside_the_boundary(role: str, environment: str) -> None:
    boundary = {action for row in BOUNDED[environment] for action in listed(row["Action"])}
    shared = resources("AWS::IAM::ManagedPolicy")[TRACING_POLICY]["PolicyDocument"]["Statement"]
    wanted = {action for statement in (*statements(role), *shared) for action in listed(statement["Action"])}

    assert wanted <= boundary, "what is outside the boundary is refused, whatever the role says"


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
        r"(iam|sts|cloudformation|s3|kms|organizations):|:(Create|Delete)(Table|Queue|Function|Secret)"
    )

    for statement in itertools.chain.from_iterable(BOUNDED.values()):
        for action in listed(statement["Action"]):
            assert not administers.search(action)
            assert "*" not in action


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

    # Alarms can be seen and traces written by all: they name no resource.
    assert allowed - tried == {"cloudwatch", "xray"}


@pytest.mark.parametrize(
    "policy",
    [name for name, row in bootstrap.source()["Resources"].items() if row["Type"] == "AWS::IAM::ManagedPolicy"],
)
def test_a_policy_is_not_longer_than_iam_takes(policy: str) -> None:
    # "IAM and AWS STS quotas": 6,144 characters, white space not counted
    document = json.dumps(bootstrap.policy_statements(policy), separators=(",", ":"))

    assert len(document) < 6144 - 100


def test_cloudformation_may_transform_the_nested_template_and_make_no_stack_of_its_own() -> None:
    for environment, role in EXECUTION.items():
        transforms = f"arn:aws:cloudformation:{REGION}:aws:transform"
        assert role.allows("cloudformation:CreateChangeSet", f"{transforms}/LanguageExtensions")
        assert not role.allows("cloudformation:CreateChangeSet", f"{transforms}/Serverless-2016-10-31")
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
