"""The resources of the template in prod, with their physical names."""

import re
from functools import cache
from typing import Any

from tools.testing.deployment import Deployment
from tools.testing.template import Json

STACK = "storefront-prod"
STAGE = "prod"
DEPLOYMENT = Deployment(
    Environment=STAGE,
    ApiLogs="true",
    AlarmEmail="shop@example.com",
    PaymentsProviderUrl="https://payments.example",
    PaymentsProviderSecretArn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments-AbCdEf",
)
_PSEUDO_PARAMETERS = {"AWS::StackName": STACK, "AWS::Region": "eu-west-1", "Environment": STAGE}


@cache
def deployed(kind: str) -> dict[str, Json]:
    """Return the properties of all resources of a type, by their names in the template, or in operations.yaml."""
    return {
        name: named(resource["Properties"])
        for stack in (DEPLOYMENT, DEPLOYMENT.nested)
        for name, resource in stack.resources.items()
        if resource["Type"] == kind
    }


def name_of(resource: str) -> str:
    """Return what a resource is called: another name for each."""
    return f"{STACK}-{resource}-1A2B3C"


def named(node: Any) -> Any:
    """Put names in the place of references; what refers to something else than a name stays."""
    match node:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "QueueName"]}:
            return _PSEUDO_PARAMETERS.get(name) or name_of(name)
        case {"Fn::GetAtt": ["Operations", "Outputs.AlarmTopicArn"]}:
            return name_of("AlarmTopic")
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)(?:\.QueueName)?\}", lambda found: named({"Ref": found[1]}), text)
        case dict():
            return {key: named(value) for key, value in node.items()}
        case list():
            return [named(element) for element in node]
    return node


def alarms() -> dict[str, Json]:
    """Return the alarms that wake somebody; those that roll back releases are tests/releases'."""
    topic = [name_of("AlarmTopic")]
    return {name: one for name, one in deployed("AWS::CloudWatch::Alarm").items() if one.get("AlarmActions") == topic}
