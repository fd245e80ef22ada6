"""bootstrap.yaml with its references filled in, and IAM's decision about what its policies allow."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from samcli.yamlhelper import yaml_parse

from tools.testing.template import ROOT, Json

ACCOUNT = "123456789012"
REGION = "eu-west-1"
ZONE = "Z0123456789ABCDEFGHIJ"
REPOSITORY = "octo@1/storefront@2"
BUCKET = "storefront-bootstrap-artifacts"
_VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "GitHubRepository": REPOSITORY,
    "HostedZoneId": ZONE,
    "ArtifactBucket": f"arn:aws:s3:::{BUCKET}",
    "ArtifactBucket.Arn": f"arn:aws:s3:::{BUCKET}",
}


@dataclass(frozen=True)
class Role:
    """A role for deployments: its name, its tags, and the statements of its policies with the tags filled in."""

    name: str
    tags: dict[str, str]
    trust: Json
    statements: tuple[Json, ...]

    def allows(self, action: str, resource: str, **context: str) -> bool:
        """Tell whether the role may do it; ``context`` has condition keys, with ``_`` for ``:``."""
        return allows(self.statements, action, resource, context)


@cache
def source() -> Json:
    """Return bootstrap.yaml as it is written, its loop expanded."""
    parsed: Json = yaml_parse((ROOT / "bootstrap.yaml").read_text())
    kinds, body = parsed["Resources"].pop("Fn::ForEach::Boundaries")[1:]
    for kind in kinds:
        parsed["Resources"] |= _in_loop(body, kind)
    return parsed


def role(logical_id: str) -> Role:
    """Return a role by its name in bootstrap.yaml."""
    properties = source()["Resources"][logical_id]["Properties"]
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    statements = [
        statement
        for policy in properties["ManagedPolicyArns"]
        if "Ref" in policy
        for statement in policy_statements(policy["Ref"])
    ]
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    return Role(resolved(properties["RoleName"]), tags, resolved(trust), tuple(_tagged(statements, tags)))


def policy_statements(logical_id: str) -> list[Json]:
    """Return the statements of a managed policy by its name in bootstrap.yaml."""
    statements: list[Json] = resolved(source()["Resources"][logical_id]["Properties"]["PolicyDocument"]["Statement"])
    return statements


def resolved(node: Any) -> Any:
    """Replace references by what they stand for; what has no value here, by its name."""
    match node:
        case list():
            return [resolved(element) for element in node]
        case dict():
            return _resolved(node)
    return node


def _resolved(node: Json) -> Any:
    match node:
        case {"Fn::Sub": [str(text), {"Stage": {"Fn::FindInMap": [str(mapping), str(kind), str(name)]}}]}:
            return resolved({"Fn::Sub": text.replace("${Stage}", source()["Mappings"][mapping][kind][name])})
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^!}]+)\}", lambda name: _VALUES[name[1]], text).replace("${!", "${")
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
            return _VALUES.get(name, name)
        case {"Fn::If": [_, first, _]}:
            return resolved(first)
    return {key: resolved(value) for key, value in node.items()}


def allows(statements: Any, action: str, resource: str, context: dict[str, str]) -> bool:
    """Tell whether statements, all of them Allow, allow an action."""
    return any(
        any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        and _meets(statement.get("Condition", {}), context)
        for statement in statements
    )


def listed(value: Any) -> list[Any]:
    """Return a policy's value as a list; one may stand alone."""
    return value if isinstance(value, list) else [value]


def _meets(condition: Json, context: dict[str, str]) -> bool:
    return all(
        (operator.endswith("IfExists") and _name(key) not in context)
        or any(fnmatchcase(context.get(_name(key), ""), str(pattern)) for pattern in listed(patterns))
        for operator, keys in condition.items()
        for key, patterns in keys.items()
    )


def _name(key: str) -> str:
    return key.replace(":", "_")


def _in_loop(node: Any, kind: str) -> Any:
    """Return what stands in the loop with its variable filled in: in `Ref` and `Fn::Sub`, and in no other text."""
    match node:
        case {"Ref": "Kind"}:
            return kind
        case {"Fn::Sub": [str(text), values]}:
            return {"Fn::Sub": [text.replace("${Kind}", kind), _in_loop(values, kind)]}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": text.replace("${Kind}", kind)}
        case dict():
            return {key.replace("${Kind}", kind): _in_loop(value, kind) for key, value in node.items()}
        case list():
            return [_in_loop(element, kind) for element in node]
    return node


def _tagged(node: Any, tags: dict[str, str]) -> Any:
    if isinstance(node, str):
        return re.sub(r"\$\{aws:PrincipalTag/(\w+)\}", lambda tag: tags[tag[1]], node)
    if isinstance(node, list):
        return [_tagged(element, tags) for element in node]
    if isinstance(node, dict):
        return {key: _tagged(value, tags) for key, value in node.items()}
    return node
