"""Removes a stack from AWS, and says what it leaves.

It asks for the stack's name first. What protects the stack or its data is turned off only where that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Protection:
    """Something that keeps a resource from being deleted, and how to turn it off."""

    what: str
    turn_off: Callable[[], object]


class Removal:
    """The removal of one stack.

    Parameters
    ----------
    stack
        The stack's name.
    session
        Says which account and region.
    """

    def __init__(self, stack: str, session: boto3.Session) -> None:
        self._stack = stack
        self._cloudformation: Any = session.client("cloudformation")
        self._session = session
        self._check_that_it_exists()

    def protections(self) -> list[Protection]:
        """Return what stands in the way. What the template keeps is not deleted, so its protection stays."""
        found = [*self._of_the_stack()]
        kept = {row["PhysicalResourceId"] for row in self._kept()}
        for row in self._resources():
            if row["PhysicalResourceId"] not in kept:
                found += _PROTECTED.get(row["ResourceType"], _nothing)(self._session, row["PhysicalResourceId"])
        return found

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

    def _check_that_it_exists(self) -> None:
        try:
            self._described()
        except ClientError as error:
            raise Problem(f"there is no stack {self._stack} in this account and region: {error}") from error

    def _described(self) -> dict[str, Any]:
        stack: dict[str, Any] = self._cloudformation.describe_stacks(StackName=self._stack)["Stacks"][0]
        return stack

    def _resources(self) -> list[dict[str, Any]]:
        return resources_of(self._cloudformation, self._stack)

    def _kept(self) -> list[dict[str, Any]]:
        template = self._cloudformation.get_template(StackName=self._stack, TemplateStage="Processed")["TemplateBody"]
        # JSON after the transform, and botocore has read it; a template without one may be YAML.
        document = template if isinstance(template, dict) else yaml_parse(template)
        policies = {name: resource.get("DeletionPolicy") for name, resource in document["Resources"].items()}
        return [
            row
            for row in self._resources()
            if policies.get(row["LogicalResourceId"]) in _KEEPS and row["ResourceType"] != _GOES_WITH_ITS_FUNCTION
        ]

    def _of_the_stack(self) -> list[Protection]:
        if not self._described().get("EnableTerminationProtection"):
            return []
        return [
            Protection(
                f"termination protection of {self._stack}",
                lambda: self._cloudformation.update_termination_protection(
                    StackName=self._stack, EnableTerminationProtection=False
                ),
            )
        ]

    def _failure(self) -> str:
        reasons = [
            f"{row['LogicalResourceId']}: {row.get('ResourceStatusReason', 'no reason given')}"
            for row in self._resources()
            if row["ResourceStatus"] == "DELETE_FAILED"
        ]
        return "; ".join(reasons)


def _nothing(_session: boto3.Session, _name: str) -> list[Protection]:
    return []


def _of_a_table(session: boto3.Session, name: str) -> list[Protection]:
    dynamodb = session.client("dynamodb")
    if not dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        return []
    return [
        Protection(
            f"deletion protection of the table {name}",
            lambda: dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False),
        )
    ]


def _of_a_user_pool(session: boto3.Session, name: str) -> list[Protection]:
    cognito = session.client("cognito-idp")
    if cognito.describe_user_pool(UserPoolId=name)["UserPool"].get("DeletionProtection") != "ACTIVE":
        return []
    return [
        Protection(
            f"deletion protection of the user pool {name}",
            lambda: cognito.update_user_pool(UserPoolId=name, DeletionProtection="INACTIVE"),
        )
    ]


_PROTECTED: dict[str, Callable[[boto3.Session, str], list[Protection]]] = {
    "AWS::DynamoDB::Table": _of_a_table,
    "AWS::Cognito::UserPool": _of_a_user_pool,
}


def run(stack: str, *, confirmed: bool, unprotect: bool) -> None:
    """Remove a stack from AWS, and say what is left.

    Parameters
    ----------
    stack
        The stack's name.
    confirmed
        Whether that is settled; otherwise its name must be typed.
    unprotect
        Whether to turn off what protects it.

    Raises
    ------
    Problem
        If nothing was removed, or not all of it.
    """
    try:
        removal = Removal(stack, boto3.Session())
        if not confirmed and _typed(f"This deletes {stack}. Type its name to go on: ") != stack:
            raise Problem(f"nothing was removed: type {stack} to confirm, or give --yes")
        protections = removal.protections()
        if protections and not unprotect:
            listed = ", ".join(protection.what for protection in protections)
            raise Problem(f"nothing was removed: {listed}; --unprotect turns it off")
        for protection in protections:
            protection.turn_off()
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
