"""A stack as CloudFormation makes it: parameters filled in before SAM translates the template, as on AWS.

AWS::LanguageExtensions stands ahead of SAM and replaces references to parameters by their values. So on AWS SAM names
its resources and hashes a function's properties with those values in place; `tools/testing/template.py` translates with
the references.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support.bootstrap import ACCOUNT, REGION, REPOSITORY, ZONE
from tools.stack import apart, samconfig
from tools.testing.template import Json, openapi, source, walk, without_loops

# GitHub's environments, the settings of each in samconfig.toml, and a stack of each
SETTINGS = {"dev": "dev", "staging": "staging", "prod": "prod", "preview": "dev"}
STACKS = {
    "dev": "storefront-dev",
    "staging": "storefront-staging",
    "prod": "storefront-prod",
    "preview": "storefront-pr-7",
}
# Values that samconfig.toml leaves to the one who deploys: all that make more resources
WITH_EVERYTHING = {"AlarmEmail": "a@b.example", "ReleaseNotificationEmail": "a@b.example", "ReserveConcurrency": "true"}
# And those for the APIs' own domain names and web ACL; previews get none.
EDGE = {
    "DomainName": "shop.example.com",
    "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0a1b2c3d",
    "HostedZoneId": ZONE,
    "WebAclArn": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop/5e6f7a8b",
}
# The stacks in a stack, by the names of their resources
NESTED = {"Operations": "operations.yaml", "Edge": "edge.yaml"}
_NOTHING = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Stack:
    """A stack's name and its template, translated and filled in; what its conditions leave out is not there."""

    name: str
    template: Json

    @property
    def resources(self) -> dict[str, Json]:
        """The resources by their logical ids."""
        found: dict[str, Json] = self.template["Resources"]
        return found


@cache
def as_deployed(environment: str) -> Stack:
    """Return the stack of one of GitHub's environments, with all that its parameters can switch on."""
    return deployed(environment, **WITH_EVERYTHING, **({} if environment == "preview" else EDGE))


def deployed(environment: str, **parameters: str) -> Stack:
    """Return the stack of one of GitHub's environments with some parameters beside those of samconfig.toml."""
    overrides = samconfig.environment(SETTINGS[environment]).overrides | parameters
    template = copy.deepcopy(source())
    template["Resources"]["RestApi"]["Properties"]["DefinitionBody"] = copy.deepcopy(openapi())
    filled = _filled_in(template, STACKS[environment], overrides)
    # `sam deploy` has uploaded these.
    filled["Globals"]["Function"]["CodeUri"] = "s3://artifacts/code.zip"
    for name in NESTED:
        filled["Resources"][name]["Properties"]["Location"] = f"https://s3.amazonaws.com/artifacts/{name}.template"
    filled["Resources"]["RefundOrders"]["Properties"]["DefinitionUri"] = "s3://artifacts/refund.asl.json"
    for resource in filled["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function" and "CodeUri" in resource["Properties"]:
            resource["Properties"]["CodeUri"] = "s3://artifacts/sandbox.zip"
    values = _values(template, STACKS[environment], overrides)
    translator = Translator({}, Parser(), boto_session=apart.session(REGION))
    translated = translator.translate(filled, {name: values[name] for name in template["Parameters"]})
    return Stack(STACKS[environment], _existing(translated, values))


@cache
def nested_in(environment: str) -> Stack:
    """Return the stack of operations.yaml in an environment's."""
    return nested(as_deployed(environment), "Operations")


@cache
def edge_of(environment: str) -> Stack:
    """Return the stack of edge.yaml in an environment's; a preview has none."""
    return nested(as_deployed(environment), "Edge")


def nested(outer: Stack, part: str) -> Stack:
    """Return a stack in a stack; its parameters may be references of the one around."""
    given = outer.resources[part]["Properties"]["Parameters"]
    name = f"{outer.name}-{part}-1A2B3C4D5E6F"
    template = copy.deepcopy(source(NESTED[part]))
    known = {key: _known(outer, key, value) for key, value in given.items()}
    return Stack(name, _existing(_filled_in(template, name, known), _values(template, name, known)))


@cache
def bootstrap_stack() -> Stack:
    """Return the stack of bootstrap.yaml in an account that is for everything."""
    return _of_account("bootstrap", {"GitHubRepository": REPOSITORY, "HostedZoneId": ZONE})


@cache
def governance_stack(**parameters: str) -> Stack:
    """Return the stack of governance.yaml with some parameters."""
    return _of_account("governance", parameters)


def _of_account(name: str, given: dict[str, str]) -> Stack:
    template = copy.deepcopy(source(f"{name}.yaml"))
    stack = f"storefront-{name}"
    return Stack(stack, _existing(_filled_in(template, stack, given), _values(template, stack, given)))


def referred(entry: Json) -> set[str]:
    """Return the logical ids that a part of a template refers to or waits for."""
    waits = entry.get("DependsOn", [])
    names = {waits} if isinstance(waits, str) else {*waits}
    for _, node in walk(entry):
        match node:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
                names.add(name)
            case {"Fn::Sub": [str(text), dict(local)]}:
                names |= _in_text(text) - local.keys()
            case {"Fn::Sub": str(text)}:
                names |= _in_text(text)
    return names


def _in_text(text: str) -> set[str]:
    return {name.partition(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}


def _known(outer: Stack, parameter: str, value: Any) -> str:
    match value:
        case str():
            return value
        case {"Ref": str(name)} if "StageName" in outer.resources[name]["Properties"]:
            return str(outer.resources[name]["Properties"]["StageName"])
    return f"{parameter.lower()}-of-the-stack"


def _values(template: Json, stack: str, given: dict[str, str]) -> dict[str, Any]:
    pseudo = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackName": stack,
        "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/0a1b2c3d",
        "AWS::URLSuffix": "amazonaws.com",
    }
    defaults = {name: row.get("Default") for name, row in template["Parameters"].items()}
    return {key: _typed(value) for key, value in (pseudo | defaults | given).items()}


def _typed(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value


def _filled_in(template: Json, stack: str, given: dict[str, str]) -> Json:
    values = _values(template, stack, given)
    expanded = without_loops(template, {name: str(value) for name, value in given.items()})
    filling = _Filling(expanded, values)
    for section in ("Globals", "Resources", "Outputs"):
        if section in expanded:
            expanded[section] = filling.of(expanded[section])
    return expanded


def _existing(template: Json, values: dict[str, Any]) -> Json:
    """Fill in what SAM has added, and leave out what has a condition that does not hold."""
    filling = _Filling(template, values)
    return {
        section: {
            name: {key: value for key, value in filling.of(entry).items() if key != "Condition"}
            for name, entry in template.get(section, {}).items()
            if "Condition" not in entry or filling.holds(entry["Condition"])
        }
        for section in ("Resources", "Outputs")
    }


class _Filling:
    """Replaces what parameters and conditions decide by its value."""

    def __init__(self, template: Json, values: dict[str, Any]) -> None:
        self._conditions = template.get("Conditions", {})
        self._mappings = template.get("Mappings", {})
        self._values = values

    def holds(self, condition: str) -> bool:
        """Tell whether a condition of the template holds."""
        return bool(self._decided(self._conditions[condition]))

    def of(self, node: Any) -> Any:
        """Return a part of the template filled in."""
        match node:
            case {"Fn::If": [condition, first, second]}:
                return self.of(first if self.holds(condition) else second)
            case dict():
                filled = {key: self.of(value) for key, value in node.items()}
                return self._value({key: value for key, value in filled.items() if value != _NOTHING})
            case list():
                return [value for value in map(self.of, node) if value != _NOTHING]
        return node

    def _decided(self, node: Any) -> Any:
        match node:
            case {"Condition": str(name)}:
                return self.holds(name)
            case {"Fn::Equals": [first, second]}:
                return self.of(first) == self.of(second)
            case {"Fn::Not": [one]}:
                return not self._decided(one)
            case {"Fn::And": list(conditions)}:
                return all(map(self._decided, conditions))
            case {"Fn::Or": list(conditions)}:
                return any(map(self._decided, conditions))
        raise ValueError(f"the condition {node} is not known here")

    def _value(self, node: Json) -> Any:
        match node:
            case {"Ref": str(name)}:
                return self._values.get(name, node)
            case {"Fn::Sub": [str(text), dict(local)]}:
                known = {name: value for name, value in local.items() if isinstance(value, str | int)}
                left = {name: value for name, value in local.items() if name not in known}
                text = _with(text, known | self._values)
                return {"Fn::Sub": [text, left]} if left else self._value({"Fn::Sub": text})
            case {"Fn::Sub": str(text)}:
                text = _with(text, self._values)
                return node | {"Fn::Sub": text} if "${" in text.replace("${!", "") else text.replace("${!", "${")
        return self._chosen(node)

    def _chosen(self, node: Json) -> Any:
        match node:
            case {"Fn::FindInMap": [str(name), str(first), str(second)]}:
                return self._mappings[name][first][second]
            case {"Fn::Split": [str(separator), str(text)]}:
                return text.split(separator)
            case {"Fn::Select": [index, list(values)]}:
                return values[int(index)]
        return node


def _with(text: str, values: dict[str, Any]) -> str:
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", str(value))
    return text
