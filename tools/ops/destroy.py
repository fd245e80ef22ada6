"""Removes a stack from AWS, and says what it leaves; protection is turned off only where that is asked for."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from samcli.yamlhelper import yaml_parse

from tools.console import Problem, say
from tools.stack.stack import resources_of

# Resources that stay, because no stack holds them.
ALWAYS_LEFT = (
    "the artifacts in the artifact bucket, with their older versions",
    "log groups that API Gateway has made itself (API-Gateway-Execution-Logs_*)",
    "the account's part, bootstrap.yaml: roles, bucket, identity provider",
)
_KEEPS = {"Retain", "RetainExceptOnCreate"}
# SAM has CloudFormation keep the versions, for the alias to go back to. Lambda deletes them with the function
# ("DeleteFunction", AWS Lambda API Reference).
_GOES_WITH_ITS_FUNCTION = "AWS::Lambda::Version"

Row = dict[str, Any]  # a resource as CloudFormation lists it
Protection = tuple[str, Callable[[], object]]  # what protects something, and what turns it off


def run(stack: str, *, confirmed: bool, unprotect: bool) -> None:
    """Remove a stack from AWS, and say what is left; its name must be typed, unless it is ``confirmed``."""
    try:
        left = _removed(stack, boto3.Session(), confirmed, unprotect)
    except (BotoCoreError, ClientError) as error:
        raise Problem(f"{error}: destroy needs credentials and a region of the account that the stack is in") from error
    say(f"{stack} is gone. Left are:")
    for line in (*left, *ALWAYS_LEFT):
        say(f"  {line}")


def _removed(stack: str, session: boto3.Session, confirmed: bool, unprotect: bool) -> list[str]:
    """Delete a stack, wait for it, and return what is left of it."""
    cloudformation = session.client("cloudformation")
    described = _described(cloudformation, stack)
    if not confirmed and _typed(f"This deletes {stack}. Type its name to go on: ") != stack:
        raise Problem(f"nothing was removed: type {stack} to confirm, or give --yes")
    rows = resources_of(cloudformation, stack)
    kept = _kept(cloudformation, stack, rows)
    # Resources that the template retains are not deleted, so their protection stays.
    deleted = [row for row in rows if row not in kept]
    protections = [*_of_the_stack(cloudformation, described), *_of_resources(session, deleted)]
    if protections and not unprotect:
        raise Problem(f"nothing was removed: {', '.join(what for what, _ in protections)}; --unprotect turns it off")
    for _, turn_off in protections:
        turn_off()
    # By its id: a deleted stack is not found by its name.
    cloudformation.delete_stack(StackName=described["StackId"])
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=described["StackId"])
    except WaiterError as error:
        reasons = _failures(resources_of(cloudformation, stack)) or error
        raise Problem(f"{stack} could not be deleted: {reasons}") from error
    return [f"{row['PhysicalResourceId']} ({row['ResourceType']})" for row in kept]


def _described(cloudformation: Any, stack: str) -> Row:
    try:
        described: Row = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise Problem(f"this account and region have no stack {stack}: {error}") from error
    return described


def _kept(cloudformation: Any, stack: str, rows: Iterable[Row]) -> list[Row]:
    template = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    # JSON after the transform, and botocore has read it; a template without one may be YAML.
    document = template if isinstance(template, dict) else yaml_parse(template)
    kept = {name for name, resource in document["Resources"].items() if resource.get("DeletionPolicy") in _KEEPS}
    staying = (row for row in rows if row["ResourceType"] != _GOES_WITH_ITS_FUNCTION)
    return [row for row in staying if row["LogicalResourceId"] in kept]


def _of_the_stack(cloudformation: Any, stack: Row) -> Iterator[Protection]:
    if stack.get("EnableTerminationProtection"):
        change = partial(cloudformation.update_termination_protection, EnableTerminationProtection=False)
        yield f"termination protection of {stack['StackName']}", partial(change, StackName=stack["StackName"])


def _of_resources(session: Any, rows: Iterable[Row]) -> Iterator[Protection]:
    dynamodb, cognito = session.client("dynamodb"), session.client("cognito-idp")
    for row in rows:
        name = row["PhysicalResourceId"]
        match row["ResourceType"]:
            case "AWS::DynamoDB::Table":
                if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
                    off = partial(dynamodb.update_table, TableName=name, DeletionProtectionEnabled=False)
                    yield f"deletion protection of the table {name}", off
            case "AWS::Cognito::UserPool":
                if cognito.describe_user_pool(UserPoolId=name)["UserPool"].get("DeletionProtection") == "ACTIVE":
                    off = partial(cognito.update_user_pool, UserPoolId=name, DeletionProtection="INACTIVE")
                    yield f"deletion protection of the user pool {name}", off


def _failures(rows: Iterable[Row]) -> str:
    failed = (row for row in rows if row["ResourceStatus"] == "DELETE_FAILED")
    return "; ".join(
        f"{row['LogicalResourceId']}: {row.get('ResourceStatusReason', 'no reason given')}" for row in failed
    )


def _typed(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        return ""  # nobody is there to confirm
