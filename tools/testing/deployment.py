"""The translated template with one set of parameters, as CloudFormation evaluates its conditions and rules."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from tools.testing.template import Json, operations, translated


class Deployment:
    """A deployment of the template.

    Parameters
    ----------
    parameters
        Values of template parameters; the defaults count for the others.
    """

    def __init__(self, **parameters: str) -> None:
        # SAM decides by this one what it makes; by the others conditions do.
        decisive = {name: value for name, value in parameters.items() if name == "GradualReleases"}
        self._template = translated(**decisive)
        defaults = {name: parameter.get("Default") for name, parameter in self._template["Parameters"].items()}
        self.parameters = {"AWS::AccountId": "000000000000"} | defaults | parameters

    @property
    def nested(self) -> Deployment:
        """The stack that operations.yaml makes in this one, by the parameters that it is given."""
        given = self.resources["Operations"]["Properties"]["Parameters"]
        nested = copy.copy(self)
        nested._template = _with_values(operations(), given)
        nested.parameters = {name: value for name, value in self.parameters.items() if name.startswith("AWS::")} | given
        return nested

    @property
    def resources(self) -> dict[str, Json]:
        """The resources that there are, each with its `Fn::If` decided."""
        return {name: self.resolve(resource) for name, resource in self._existing("Resources").items()}

    def of(self, kind: str) -> dict[str, Json]:
        """Return the properties of all resources of a type."""
        return {name: one.get("Properties", {}) for name, one in self.resources.items() if one["Type"] == kind}

    @property
    def outputs(self) -> dict[str, Json]:
        """The outputs that there are."""
        return {name: self.resolve(output) for name, output in self._existing("Outputs").items()}

    @property
    def broken_rules(self) -> list[str]:
        """The rules for which CloudFormation would refuse these parameters."""
        return [
            assertion["AssertDescription"]
            for rule in self._template["Rules"].values()
            if self.resolve(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.resolve(assertion["Assert"])
        ]

    def resolve(self, node: Any) -> Any:
        """Replace what parameters and conditions decide by its value."""
        if isinstance(node, list):
            return [self.resolve(element) for element in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function in self._functions and (function != "Ref" or argument in self.parameters):
                return self._functions[function](argument)
        return {name: self.resolve(value) for name, value in node.items()}

    @property
    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self.parameters.get,
            "Condition": self._holds,
            "Fn::If": lambda choice: self.resolve(choice[1 if self._holds(choice[0]) else 2]),
            "Fn::Equals": lambda pair: self.resolve(pair[0]) == self.resolve(pair[1]),
            "Fn::And": lambda conditions: all(self.resolve(condition) for condition in conditions),
            "Fn::Or": lambda conditions: any(self.resolve(condition) for condition in conditions),
            "Fn::Not": lambda conditions: not self.resolve(conditions[0]),
        }

    def _existing(self, section: str) -> dict[str, Json]:
        return {
            name: entry
            for name, entry in self._template[section].items()
            if "Condition" not in entry or self._holds(entry["Condition"])
        }

    def _holds(self, condition: str) -> bool:
        return bool(self.resolve(self._template["Conditions"][condition]))


def _with_values(node: Any, given: Json) -> Any:
    """Fill in the values of parameters in texts; a value may be a reference of the stack around this one."""
    match node:
        case {"Fn::Sub": str(text)}:
            return {
                "Fn::Sub": re.sub(r"\$\{(\w+)\}", lambda name: _as_text(given.get(name[1], {"Ref": name[1]})), text)
            }
        case dict():
            return {key: _with_values(value, given) for key, value in node.items()}
        case list():
            return [_with_values(value, given) for value in node]
    return node


def _as_text(value: Any) -> str:
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(text)}:
            return text
    return str(value)
