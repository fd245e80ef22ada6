"""The permissions of the functions' roles, in the words of tools/testing/iam.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.testing.calls import Call
from tools.testing.iam import named
from tools.testing.roles import statements
from tools.testing.template import Json, resources

# Actions that the code never calls: AWS does, with the function's role.
BY_AWS = {
    "logs:CreateLogStream": "Lambda writes what the function prints",
    "logs:PutLogEvents": "Lambda writes what the function prints",
    "sqs:ReceiveMessage": "the event source mapping takes messages from the queue",
    "sqs:DeleteMessage": "the event source mapping deletes what has been processed",
    "sqs:GetQueueAttributes": "the event source mapping asks for the queue's settings",
    "dynamodb:DescribeStream": "the event source mapping reads the stream",
    "dynamodb:GetRecords": "the event source mapping reads the stream",
    "dynamodb:GetShardIterator": "the event source mapping reads the stream",
    "dynamodb:ListStreams": "the event source mapping finds the stream",
    "kms:Decrypt": "Secrets Manager decrypts a secret that has a key of the customer's",
}


@dataclass(frozen=True, order=True)
class Grant:
    """One action of one statement on one resource; ``leading_keys`` as in its condition, if it has one: `room#*`."""

    function: str
    action: str
    resource: str
    leading_keys: tuple[str, ...] = ()

    def allows(self, call: Call) -> bool:
        """Whether a call may be made because of this."""
        same = (self.function, self.action, self.resource) == (call.function, call.action, call.resource)
        return same and (not self.leading_keys or f"{call.leading_key}*" in self.leading_keys)


@cache
def grants() -> tuple[Grant, ...]:
    """Return everything that the roles of functions allow with policies of their own."""
    found = {
        grant
        for function, properties in resources("AWS::Lambda::Function").items()
        for statement in statements(properties["Role"]["Fn::GetAtt"][0])
        for grant in _of(function, statement)
    }
    return tuple(sorted(found))


def _of(function: str, statement: Json) -> Iterator[Grant]:
    assert statement["Effect"] == "Allow"
    for action in _listed(statement["Action"]):
        for resource in _listed(statement["Resource"]):
            yield Grant(function, action, named(resource), _leading_keys(statement))


def _leading_keys(statement: Json) -> tuple[str, ...]:
    match statement.get("Condition"):
        case None:
            return ()
        case {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}}:
            return tuple(_listed(keys))
        case {"StringEquals": {"kms:ViaService": _, "kms:EncryptionContext:SecretARN": _}}:
            return ()
    raise ValueError(f"{statement['Condition']} is a condition that is not known here")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
