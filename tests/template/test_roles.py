"""The permissions of functions, and of their callers."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tools.testing.roles import TRACING_POLICY, attached, statements
from tools.testing.source import reads_of
from tools.testing.template import ROOT, resources, source, translated, walk

# Assumed by people; all others are functions'.
ROLES_OF_PEOPLE = {"BackOfficeRole"}
ROLES = resources("AWS::IAM::Role")
# `*` in the place of a path parameter: it has no other way to be written.
ANY_PRODUCT = "/${Environment}/PUT/products/*"
ANY_CONNECTION = "/${Environment}/POST/@connections/*"
ANY_REFUND = ":execution:${RefundOrders.Name}:*"
# The chat's API; tests/template/test_chat.py has who may post there.
ADDRESSES = ("CHAT_URL", "CONNECTIONS_URL")
# Resources of this stack, by names that CloudFormation and SAM make: it refers to those who release, so they cannot
# to it.
OF_THIS_STACK = {
    f"arn:${{AWS::Partition}}:{rest}"
    for rest in (
        "codedeploy:${AWS::Region}:${AWS::AccountId}:deploymentgroup:${AWS::StackName}-*/*",
        "codedeploy:${AWS::Region}:${AWS::AccountId}:application:${AWS::StackName}-*",
        "lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-*",
        "cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-*",
        "ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/rest-api/url",
    )
}
RELEASE_ROLES = {"PreTrafficHookRole", "PostTrafficHookRole", "ReleaseRole"}
FUNCTIONS = resources("AWS::Lambda::Function")
ALIASES = resources("AWS::Lambda::Alias")
PERMISSIONS = resources("AWS::Lambda::Permission")


def role_of(function: str) -> str:
    role: str = FUNCTIONS[function]["Role"]["Fn::GetAtt"][0]
    return role


def trusted_by(role: str) -> str:
    (statement,) = ROLES[role]["AssumeRolePolicyDocument"]["Statement"]
    service: str = statement["Principal"].get("Service", "people")
    services = ("lambda.amazonaws.com", "apigateway.amazonaws.com", "codedeploy.amazonaws.com", "states.amazonaws.com")
    assert service in services or role in ROLES_OF_PEOPLE
    return service


def test_the_gateway_may_fill_the_partner_orders_queue_and_start_refunds_and_look_at_them() -> None:
    roles = [role for role in ROLES if trusted_by(role) == "apigateway.amazonaws.com"]

    granted = {role: {one["Action"]: one["Resource"] for one in statements(role)} for role in roles}

    executions = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}" + ANY_REFUND
    assert granted == {
        "HandInPartnerOrderRole": {"sqs:SendMessage": {"Fn::GetAtt": ["PartnerOrdersQueue", "Arn"]}},
        "StartRefundRole": {
            "states:StartExecution": {"Ref": "RefundOrders"},
            "states:DescribeExecution": {"Fn::Sub": executions},
        },
    }


def test_a_refund_may_call_its_tasks_and_put_aside_what_fails() -> None:
    (role,) = [role for role in ROLES if trusted_by(role) == "states.amazonaws.com"]

    granted = {one["Action"]: one["Resource"] for one in statements(role)}

    assert resources("AWS::StepFunctions::StateMachine")["RefundOrders"]["RoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    assert granted == {
        "lambda:InvokeFunction": {"Ref": "RefundOrderFunctionAliaslive"},
        "sqs:SendMessage": {"Fn::GetAtt": ["RefundsDeadLetterQueue", "Arn"]},
    }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_each_function_has_a_role_of_its_own() -> None:
    roles = [role_of(function) for function in FUNCTIONS]

    assert sorted(roles) == sorted(role for role in ROLES if trusted_by(role) == "lambda.amazonaws.com")


@pytest.mark.parametrize("role", sorted(ROLES.keys() - ROLES_OF_PEOPLE))
def test_a_role_is_for_one_service(role: str) -> None:
    assert ROLES[role].keys() - {"ManagedPolicyArns"} == {"AssumeRolePolicyDocument", "PermissionsBoundary", "Policies"}
    (trust,) = ROLES[role]["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": trusted_by(role)},
        "Action": "sts:AssumeRole",
    }


@pytest.mark.parametrize("role", ROLES)
def test_functions_and_nobody_else_may_write_traces(role: str) -> None:
    of_a_function = (TRACING_POLICY, f"{role.removesuffix('Role')}Policy")

    assert attached(role) == (of_a_function if trusted_by(role) == "lambda.amazonaws.com" else ())


def test_a_function_s_policy_is_for_its_role_alone() -> None:
    policies = resources("AWS::IAM::ManagedPolicy")

    assert policies.keys() - {TRACING_POLICY} == {f"{name.removesuffix('Function')}Policy" for name in FUNCTIONS}
    # "Ref" of a role is in no policy: each is attached by the role that names it.
    assert all(policy.keys() == {"PolicyDocument"} for policy in policies.values())
    assert resources("AWS::IAM::Policy") == {}


def test_a_role_may_write_the_log_of_its_function_and_no_other_policy_mentions_logs() -> None:
    for function, properties in FUNCTIONS.items():
        of_logs = [one for one in statements(role_of(function)) if "logs:" in str(one["Action"])]

        group = properties["LoggingConfig"]["LogGroup"]["Ref"]
        assert [one["Resource"] for one in of_logs] == [{"Fn::GetAtt": [group, "Arn"]}], function


def test_what_functions_share_is_to_write_traces() -> None:
    (statement,) = resources("AWS::IAM::ManagedPolicy")[TRACING_POLICY]["PolicyDocument"]["Statement"]

    assert statement == {
        "Effect": "Allow",
        "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "Resource": "*",
    }


def test_no_policy_has_a_wildcard() -> None:
    # The API's resource policy names routes of no role; tests/template/test_resource_policy.py evaluates it.
    policies = [
        (path, node)
        for path, node in walk(translated()["Resources"])
        if _is_statement(node) and "x-amazon-apigateway-policy" not in path and TRACING_POLICY not in path
    ]

    assert len(policies) > len(ROLES)
    for path, statement in policies:
        where = "/".join(path)
        if statement["Effect"] == "Deny":
            continue  # it takes away: the wider, the better
        assert not statement.keys() & {"NotAction", "NotResource", "NotPrincipal"}, where
        if statement["Action"] == "cloudwatch:DescribeAlarms":
            # Reading alarms knows no narrower scope that is sure to work for CodeDeploy.
            assert (path[0], statement["Resource"]) == ("ReleaseRole", "*")
            continue
        if statement["Action"] == "kms:Decrypt":
            # Any key, but one secret, and through Secrets Manager ("Secret encryption and decryption in AWS Secrets
            # Manager", AWS Secrets Manager User Guide, has the encryption context).
            assert statement["Condition"]["StringEquals"] == {
                "kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"},
                "kms:EncryptionContext:SecretARN": {"Ref": "PaymentsProviderSecretArn"},
            }
            continue
        for value in (*listed(statement["Action"]), *listed(statement.get("Resource", []))):
            releases = path[0] in RELEASE_ROLES or path[0].replace("Policy", "Role") in RELEASE_ROLES
            of_this_stack = releases and isinstance(value, dict) and value.get("Fn::Sub") in OF_THIS_STACK
            named = re.sub("|".join(map(re.escape, (ANY_PRODUCT, ANY_CONNECTION, ANY_REFUND))), "", str(value))
            assert of_this_stack or "*" not in named, where


def test_the_back_office_may_write_products_through_this_api_s_stage_and_nothing_else() -> None:
    role = ROLES["BackOfficeRole"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    (statement,) = statements("BackOfficeRole")

    assert trust["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    assert trust["Action"] == "sts:AssumeRole"
    assert role["MaxSessionDuration"] == 3600
    assert statement["Action"] == "execute-api:Invoke"
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${RestApi}"
    assert statement["Resource"] == {"Fn::Sub": f"{api}{ANY_PRODUCT}"}


@pytest.mark.parametrize("role", ROLES)
def test_each_statement_names_resources_of_this_template(role: str) -> None:
    for statement in statements(role):
        if statement["Action"] in ("cloudwatch:DescribeAlarms", "kms:Decrypt"):
            continue  # test_no_policy_has_a_wildcard has the reason
        for resource in listed(statement["Resource"]):
            if role in RELEASE_ROLES and resource.get("Fn::Sub") in OF_THIS_STACK:
                continue
            known = translated()["Resources"].keys() | {"PaymentsProviderSecretArn"}
            assert _names(resource) & known, statement


@pytest.mark.parametrize("file", ["template.yaml", "operations.yaml", "bootstrap.yaml", "governance.yaml"])
def test_each_statement_is_preceded_by_its_reason(file: str) -> None:
    lines = (ROOT / file).read_text().splitlines()
    starts = [line for line, keys in _mappings_in(file) if {"Effect", "Action", "Resource"} <= keys]

    assert starts
    assert [line + 1 for line in starts if not re.match(r"\s*(# \w|- OnAws$)", lines[line - 1])] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_use_what_its_environment_names(function: str) -> None:
    variables = FUNCTIONS[function]["Environment"]["Variables"]
    allowed = [
        (action, resource)
        for statement in statements(role_of(function))
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]

    for read in reads_of(FUNCTIONS[function]["Handler"]):
        if read.variable.startswith(("AWS_", "SAM_LOCAL_")) or read.variable in ADDRESSES:
            continue
        value = variables[read.variable]
        match read.purpose:
            case "secret":
                assert ("secretsmanager:GetSecretValue", value) in allowed
            case "parameter":
                granted = [resource["Fn::Sub"] for action, resource in allowed if action == "ssm:GetParameter"]
                name = value["Fn::Sub"] if "Fn::Sub" in value else f"${{{value['Ref']}}}"
                assert [text for text in granted if text.endswith(f":parameter{name}")]
            case "value" if "Fn::GetAtt" in value:
                # A secret that the function reads itself, version by version.
                assert ("secretsmanager:GetSecretValue", value) in allowed
            case "value" if source()["Resources"].get(value["Ref"], {}).get("Type") in _USED_BY_API_CALLS:
                assert [resource for _, resource in allowed if value["Ref"] in _names(resource)], read.variable


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_permission_is_on_an_alias_and_says_what_may_use_it(permission: str) -> None:
    granted = PERMISSIONS[permission]

    assert granted["FunctionName"]["Ref"] in ALIASES
    if granted["Principal"] == "*":
        # A function URL has no ARN; the permission counts for calls through it only.
        assert granted.get("InvokedViaFunctionUrl") or granted["Action"] == "lambda:InvokeFunctionUrl"
        assert translated()["Resources"][permission]["Condition"] == "HasSandbox"
    else:
        assert granted["SourceArn"]


_USED_BY_API_CALLS = {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Events::EventBus"}


def _mappings_in(file: str) -> Iterator[tuple[int, set[str]]]:
    """Yield the mappings of a YAML document: the number of the line that each begins in, and its keys."""
    waiting = [yaml.compose((ROOT / file).read_text(), yaml.BaseLoader)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            yield node.start_mark.line, {key.value for key, _ in node.value}
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _is_statement(node: Any) -> bool:
    return isinstance(node, dict) and "Effect" in node


def _names(resource: Any) -> set[str]:
    """Return the names of resources and parameters in an intrinsic function."""
    return {part for _, node in walk(resource) if isinstance(node, str) for part in re.findall(r"\w+", node)}
