"""Removes a stack from AWS, and says what it leaves.

It asks for the stack's name first. What protects the stack or its data is turned off only where that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from samcli.yamlhelper import yaml_parse

from tools.console import Problem, say
from tools.stack.stack import resources_of

# What stays of any environment, because no stack holds it.
ALWAYS_LEFT = (
    "the artifacts in the artifact bucket, with their older versions",
    "log groups that API Gateway has made itself (API-Gateway-Execution-Logs_*)",
    "the account's part, bootstrap.yaml: roles, bucket, identity provider",
)
_KEEPS = {"Retain", "RetainExceptOnCreate"}
# SAM has CloudFormation keep the versions, for the alias to go back to. Lambda deletes them with the function
# ("DeleteFunction", AWS Lambda API Reference).
_GOES_WITH_ITS_FUNCTION = "AWS::Lambda::Version"

Protection = tuple[str, Callable[[], object]]  # what protects something, and what turns it off


class Removal:
    """The removal of one stack, in the session's account and region."""

    def __init__(self, stack: str, session: boto3.Session) -> None:
        self._stack = stack
        self._session = session
        self._cloudformation: Any = session.client("cloudformation")
        try:
            self._described()
        except ClientError as error:
            raise Problem(f"there is no stack {stack} in this account and region: {error}") from error

    def protections(self) -> Iterator[Protection]:
        """Yield what stands in the way. What the template keeps is not deleted, so its protection stays."""
        if self._described().get("EnableTerminationProtection"):
            change = self._cloudformation.update_termination_protection
            off = {"StackName": self._stack, "EnableTerminationProtection": False}
            yield f"termination protection of {self._stack}", lambda: change(**off)
        kept = self._kept()
        for row in self._resources():
            if row["ResourceType"] in _PROTECTED and row not in kept:
                yield from _PROTECTED[row["ResourceType"]](self._session, row["PhysicalResourceId"])

    def run(self) -> list[str]:
        """Delete the stack, wait for it, and return what is left of it."""
        kept = [f"{row['PhysicalResourceId']} ({row['ResourceType']})" for row in self._kept()]
        # By its id: a deleted stack is no longer found by its name.
        stack_id = self._described()["StackId"]
        self._cloudformation.delete_stack(StackName=stack_id)
        try:
            self._cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack_id)
        except WaiterError as error:
            raise Problem(f"{self._stack} could not be deleted: {self._failure() or error}") from error
        return kept

    def _described(self) -> dict[str, Any]:
        stack: dict[str, Any] = self._cloudformation.describe_stacks(StackName=self._stack)["Stacks"][0]
        return stack

    def _resources(self) -> list[dict[str, Any]]:
        return resources_of(self._cloudformation, self._stack)

    def _kept(self) -> list[dict[str, Any]]:
        template = self._cloudformation.get_template(StackName=self._stack, TemplateStage="Processed")["TemplateBody"]
        # JSON after the transform, and botocore has read it; a template without one may be YAML.
        document = template if isinstance(template, dict) else yaml_parse(template)
        kept = {name for name, resource in document["Resources"].items() if resource.get("DeletionPolicy") in _KEEPS}
        rows = self._resources()
        return [
            row for row in rows if row["LogicalResourceId"] in kept and row["ResourceType"] != _GOES_WITH_ITS_FUNCTION
        ]

    def _failure(self) -> str:
        failed = [row for row in self._resources() if row["ResourceStatus"] == "DELETE_FAILED"]
        return "; ".join(
            f"{row['LogicalResourceId']}: {row.get('ResourceStatusReason', 'no reason given')}" for row in failed
        )


def _of_a_table(session: boto3.Session, name: str) -> Iterator[Protection]:
    dynamodb = session.client("dynamodb")
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        yield (
            f"deletion protection of the table {name}",
            lambda: dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False),
        )


def _of_a_user_pool(session: boto3.Session, name: str) -> Iterator[Protection]:
    cognito = session.client("cognito-idp")
    if cognito.describe_user_pool(UserPoolId=name)["UserPool"].get("DeletionProtection") == "ACTIVE":
        yield (
            f"deletion protection of the user pool {name}",
            lambda: cognito.update_user_pool(UserPoolId=name, DeletionProtection="INACTIVE"),
        )


_PROTECTED: dict[str, Callable[[boto3.Session, str], Iterator[Protection]]] = {
    "AWS::DynamoDB::Table": _of_a_table,
    "AWS::Cognito::UserPool": _of_a_user_pool,
}


def run(stack: str, *, confirmed: bool, unprotect: bool) -> None:
    """Remove a stack from AWS, and say what is left; its name must be typed, unless it is ``confirmed``."""
    try:
        removal = Removal(stack, boto3.Session())
        if not confirmed and _typed(f"This deletes {stack}. Type its name to go on: ") != stack:
            raise Problem(f"nothing was removed: type {stack} to confirm, or give --yes")
        protections = list(removal.protections())
        if protections and not unprotect:
            raise Problem(
                f"nothing was removed: {', '.join(what for what, _ in protections)}; --unprotect turns it off"
            )
        for _, turn_off in protections:
            turn_off()
        left = removal.run()
    except (BotoCoreError, ClientError) as error:
        raise Problem(f"{error}: destroy needs credentials and a region of the account that the stack is in") from error
    say(f"{stack} is gone. Left are:")
    for line in (*left, *ALWAYS_LEFT):
        say(f"  {line}")


def _typed(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        return ""  # nobody is there to confirm
