"""What CloudFormation makes of the translated template with one set of parameters: conditions and rules evaluated."""

from collections.abc import Callable
from typing import Any

from tools.testing.template import Json, translated


class Deployment:
    """A deployment of the template.

    Parameters
    ----------
    parameters
        Values of template parameters; the defaults count for the others.
    """

    def __init__(self, **parameters: str) -> None:
        self._template = translated()
        defaults = {name: parameter.get("Default") for name, parameter in self._template["Parameters"].items()}
        self.parameters = {"AWS::AccountId": "000000000000"} | defaults | parameters

    @property
    def resources(self) -> dict[str, Json]:
        """The resources that there are, each with its `Fn::If` decided."""
        return {name: self.resolve(resource) for name, resource in self._existing("Resources").items()}

    @property
    def outputs(self) -> dict[str, Json]:
        """The outputs that there are."""
        return {name: self.resolve(output) for name, output in self._existing("Outputs").items()}

    @property
    def broken_rules(self) -> list[str]:
        """What CloudFormation would refuse to deploy these parameters for."""
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
