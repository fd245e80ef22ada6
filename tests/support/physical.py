"""The resources of a stack by the names that they get on AWS, and the IAM actions that CloudFormation calls on each."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from policy_sentry.querying.actions import get_action_data

from tests.support.as_deployed import Stack
from tests.support.bootstrap import ACCOUNT, REGION, listed
from tools.testing.template import Json

OPERATIONS = ("create", "read", "update", "delete", "tags")
HANDLERS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("handlers.toml").read_text())
STACK_TAG = "aws_ResourceTag/aws_cloudformation_stack-name"
# Ids that AWS makes; all others are names that CloudFormation makes of the stack's.
_IDS = {
    "AWS::ApiGateway": "ab12cd34ef",
    "AWS::ApiGatewayV2": "ab12cd34ef",
    "AWS::Cognito::UserPool": f"{REGION}_Ab12Cd34E",
    "AWS::Lambda::EventSourceMapping": "0a1b2c3d-0000-4000-8000-000000000000",
    "AWS::Logs::QueryDefinition": "0a1b2c3d-0000-4000-8000-000000000000",
}
_SUFFIX = "1A2B3C4D5E6F"
# The actions for which a service is handed a role
_PASSED_TO = {
    "AWS::ApiGateway": "apigateway.amazonaws.com",
    "AWS::CodeDeploy": "codedeploy.amazonaws.com",
    "AWS::Lambda": "lambda.amazonaws.com",
    "AWS::StepFunctions": "states.amazonaws.com",
}
# One statement for all of them: their resources are no more than lists.
_LISTS = {
    "cloudwatch:DescribeAlarms": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*",
    "route53:GetChange": "arn:aws:route53:::change/C0123456789",
    "codedeploy:GetDeploymentConfig": f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentconfig:CodeDeployDefault.X",
}


@dataclass(frozen=True)
class Asked:
    """A question to IAM about a call of CloudFormation's; ``context`` has condition keys, with ``_`` for ``:``."""

    logical_id: str
    operation: str
    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


class Physical:
    """A stack's resources by their names on AWS."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource."""
        handler, properties = self._handler(logical_id), self._properties(logical_id)
        if "at" in handler:
            return str(self.rendered(properties[handler["at"]]))
        base = self.arn(_referred(properties[handler["of"]])) if "of" in handler else f"arn:aws:{handler['arn']}"
        known = {"id": self.id(logical_id), "region": REGION, "account": ACCOUNT}

        def value(found: re.Match[str]) -> str:
            name, slash = found.groups()
            # A rule without a bus is on the account's own, which is not in its ARN.
            return f"{known.get(name) or self.rendered(properties[name])}{slash}" if name in known | properties else ""

        return re.sub(r"\{(\w+)\}(/?)", value, base + handler.get("suffix", ""))

    def id(self, logical_id: str) -> str:
        """Return the name of a resource, or the id that AWS makes."""
        kind, properties = self._stack.resources[logical_id]["Type"], self._properties(logical_id)
        if (name := self._handler(logical_id).get("name")) in properties:
            return str(self.rendered(properties[name]))
        made = _IDS.get(kind) or _IDS.get(kind.rpartition("::")[0])
        # Secrets Manager's names are made without the stack's.
        prefix = "" if kind == "AWS::SecretsManager::Secret" else f"{self._stack.name}-"
        return made or f"{prefix}{logical_id}-{_SUFFIX}"

    def rendered(self, node: Any) -> Any:
        """Return a value of the template with its references replaced by what they return."""
        match node:
            case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Sub": _} | {"Fn::Join": _}:
                return self._value(node)
            case dict():
                return {key: self.rendered(value) for key, value in node.items()}
            case list():
                return [self.rendered(value) for value in node]
        return node

    def asked(self) -> Iterator[Asked]:
        """Yield what IAM is asked while CloudFormation creates, reads, changes, tags and deletes the resources."""
        for logical_id in self._stack.resources:
            for operation in OPERATIONS:
                for action in self._actions(logical_id, operation):
                    resource = self._asked_about(logical_id, operation, action)
                    context = self._context(logical_id, operation, action)
                    yield Asked(logical_id, operation, action, resource, context)
            yield from self._passed(logical_id)

    def granted(self) -> Iterator[Asked]:
        """Yield what the stack's roles may do, each action with each resource; the operation is "granted"."""
        for logical_id, resource in self._stack.resources.items():
            if resource["Type"] != "AWS::IAM::Role":
                continue
            properties = resource["Properties"]
            attached = [self._properties(arn["Ref"]) for arn in properties.get("ManagedPolicyArns", [])]
            for policy in (*attached, *properties.get("Policies", [])):
                for statement in self.rendered(policy["PolicyDocument"]["Statement"]):
                    context = {STACK_TAG: self._stack.name} | _needed(statement.get("Condition", {}))
                    for action, asked in itertools.product(listed(statement["Action"]), listed(statement["Resource"])):
                        yield Asked(logical_id, "granted", action, asked, tuple(context.items()))

    def _actions(self, logical_id: str, operation: str) -> list[str]:
        handler = self._handler(logical_id)
        service = self.arn(logical_id).split(":")[2]
        return [a if ":" in a else f"{service}:{a}" for a in handler.get(operation, "").split()]

    def _asked_about(self, logical_id: str, operation: str, action: str) -> str:
        arn = self.arn(logical_id)
        match action.split(":"):
            case _ if not has_resources(action):
                arn = "*"
            case _ if action in _LISTS:
                arn = _LISTS[action]
            case ["apigateway", "GET" | "PUT" | "PATCH" | "DELETE" | "POST"] if operation == "tags":
                arn = f"arn:aws:apigateway:{REGION}::/tags/{quote(arn, safe='')}"
            case ["apigateway", "POST"]:
                arn = arn.rpartition("/")[0]  # where all of its kind are
            case ["wafv2", "AssociateWebACL" | "GetWebACL"]:
                arn = str(self.rendered(self._properties(logical_id)["WebACLArn"]))
            case ["logs", "PutMetricFilter" | "DescribeMetricFilters" | "DeleteMetricFilter"]:
                arn = f"{arn}:*"
            case ["codedeploy", _] if ":codedeploy:" not in arn:
                # An alias shifts by a group that CloudFormation finds in the alias's UpdatePolicy.
                arn = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:{self._stack.name}-A/{self._stack.name}-G"
        return arn

    def _context(self, logical_id: str, operation: str, action: str) -> tuple[tuple[str, str], ...]:
        properties = self._properties(logical_id)
        context = {}
        # A resource that is being made has no tags yet.
        is_new = operation == "create" and "of" not in self._handler(logical_id)
        if not (is_new and re.search(r":(Create|POST|Tag)", action)):
            context[STACK_TAG] = self._stack.name
        if "PermissionsBoundary" in properties:
            context["iam_PermissionsBoundary"] = self.rendered(properties["PermissionsBoundary"])
        if self._stack.resources[logical_id]["Type"] == "AWS::Lambda::EventSourceMapping":
            context["lambda_FunctionArn"] = self.rendered(properties["FunctionName"])
        if action == "route53:ChangeResourceRecordSets":
            (context["route53_ChangeResourceRecordSetsRecordTypes"],) = {
                one["Type"] for one in properties["RecordSets"]
            }
        return tuple(context.items())

    def _passed(self, logical_id: str) -> Iterator[Asked]:
        kind = self._stack.resources[logical_id]["Type"]
        service = _PASSED_TO.get("::".join(kind.split("::")[:2]))
        # A bucket's or a topic's policy names roles without handing them over.
        text = str(self.rendered(self._properties(logical_id))) if service else ""
        for role in set(re.findall(rf"arn:aws:iam::{ACCOUNT}:role/[\w-]+", text)):
            yield Asked(logical_id, "create", "iam:PassRole", role, (("iam_PassedToService", str(service)),))

    def _handler(self, logical_id: str) -> dict[str, str]:
        return HANDLERS[self._stack.resources[logical_id]["Type"]]

    def _properties(self, logical_id: str) -> Json:
        found: Json = self._stack.resources[logical_id].get("Properties", {})
        return found

    def _value(self, node: Json) -> str:
        match node:
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._attribute(name, attribute)
            case {"Fn::Join": [str(separator), list(values)]}:
                return separator.join(str(self.rendered(value)) for value in values)
            case {"Fn::Sub": [str(text), dict(values)]}:
                return self._substituted(text, values)
        return self._substituted(node["Fn::Sub"], {})

    def _ref(self, name: str) -> str:
        if name not in self._stack.resources:
            raise KeyError(f"{self._stack.name} has no {name}")
        if self._stack.resources[name]["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.id(name)}"
        return self.arn(name) if self._handler(name).get("ref") == "arn" else self.id(name)

    def _attribute(self, name: str, attribute: str) -> str:
        match attribute:
            case "StreamArn":
                return f"{self.arn(name)}/stream/2026-01-01T00:00:00.000"
            # A log group's ARN has what is in it, too.
            case "Arn" if self._stack.resources[name]["Type"] == "AWS::Logs::LogGroup":
                return f"{self.arn(name)}:*"
            case "Arn" | "Id":
                return self.arn(name)
        return self.id(name)

    def _substituted(self, text: str, values: Json) -> str:
        def value(found: re.Match[str]) -> str:
            name, _, attribute = found[1].partition(".")
            if name in values:
                return str(self.rendered(values[name]))
            return self._attribute(name, attribute) if attribute else self._ref(name)

        return re.sub(r"\$\{([^!}]+)\}", value, text).replace("${!", "${")


@cache
def asked_of(stack: Callable[[str], Stack], environment: str) -> tuple[Asked, ...]:
    """Return what IAM is asked about one of an environment's stacks."""
    return tuple(Physical(stack(environment)).asked())


@cache
def has_resources(action: str) -> bool:
    """Tell whether a policy can name the resources of an action, by the Service Authorization Reference."""
    service, _, name = action.partition(":")
    rows = get_action_data(service, name)
    return not rows or any(row["resource_arn_format"] != "*" for row in rows[service])


def _needed(condition: Json) -> dict[str, str]:
    """Return the context in which a statement's condition holds."""
    return {
        key.replace(":", "_"): str(listed(values)[0]) for keys in condition.values() for key, values in keys.items()
    }


def _referred(value: Any) -> str:
    match value:
        case [first, *_]:
            return _referred(first)
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return name
    raise ValueError(f"{value} refers to nothing")
