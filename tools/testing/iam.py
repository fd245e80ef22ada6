"""The question to IAM about a call to AWS: actions and resources, in the words of the template.

Where AWS makes a resource's name, the call does not show which one it is for: with deployments, function versions and
connections only the action counts here.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.testing.aws_calls import AwsCall
from tools.testing.calls import Call
from tools.testing.template import Json, resources

# IAM knows the parts of a transaction, and not the transaction ("Using IAM with DynamoDB transactions", Amazon DynamoDB
# Developer Guide).
_PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
# Actions with another name in IAM than in the API, and resources that AWS names.
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "apigatewaymanagementapi:PostToConnection": "execute-api:ManageConnections",
}
# Cognito goes by the access token, and IAM is not asked ("GetUser", Amazon Cognito User Pools API Reference).
_UNSIGNED = {"GetUser"}
_MADE_BY_AWS = {
    "codedeploy:GetDeployment": "deploymentgroup:${AWS::StackName}-*/*",
    "codedeploy:PutLifecycleEventHookExecutionStatus": "deploymentgroup:${AWS::StackName}-*/*",
    "codedeploy:GetApplicationRevision": "application:${AWS::StackName}-*",
    "lambda:GetFunctionConfiguration": "function:${AWS::StackName}-*",
    "lambda:InvokeFunction": "function:${AWS::StackName}-*",
    "execute-api:ManageConnections": "${ChatApi}/${Environment}/POST/@connections/*",
}


def named(intrinsic: Any) -> str:
    """Return what the template calls a resource, from how it refers to it."""
    match intrinsic:
        case {"Fn::GetAtt": [name, "StreamArn"]}:
            return f"{name}/stream"
        case {"Fn::GetAtt": [name, _]} | {"Ref": name}:
            return str(name)
        case {"Fn::If": [_, chosen, _]}:
            return named(chosen)
        case {"Fn::Sub": str(text)}:
            text = text.partition("${AWS::AccountId}:")[2] or text
            return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)
    raise ValueError(f"{intrinsic} refers to a resource in a way that is not known here")


def asked_for(function: str, made: AwsCall) -> Iterator[Call]:
    """Yield what IAM is asked for a function's call."""
    for action, resource, leading_key in _asked(function, made.service, made.operation, made.parameters):
        yield Call(function, action, resource, leading_key)


def _asked(function: str, service: str, operation: str, parameters: Json) -> Iterator[tuple[str, str, str]]:
    """Yield action, resource, and the first part of the partition key."""
    action = _ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    if service == "dynamodb":
        yield from _asked_of_tables(function, action, parameters)
        return
    match parameters:
        case _ if operation in _UNSIGNED:
            return
        case _ if action in _MADE_BY_AWS:
            yield action, _MADE_BY_AWS[action], ""
        case {"Entries": entries} if service == "events":
            for entry in entries:
                yield action, _resource(function, entry["EventBusName"]), ""
        case {"QueueUrl": name} | {"SecretId": name} | {"UserPoolId": name}:
            yield action, _resource(function, name), ""
        case {"Name": name}:
            yield action, f"parameter{_parameter(function, name)}", ""
        case _:
            raise ValueError(f"{action} is called with what is not known here: add it to {Path(__file__).name}")


def _asked_of_tables(function: str, action: str, parameters: Json) -> Iterator[tuple[str, str, str]]:
    match parameters:
        case {"TransactItems": items}:
            for item in items:
                ((part, inner),) = item.items()
                yield from _asked_of_tables(function, f"dynamodb:{_PARTS[part]}", inner)
        case {"RequestItems": tables}:
            for table, items in tables.items():
                for key in _batch_keys(items):
                    yield action, _resource(function, table), _leading(table, key)
        case {"TableName": table, "IndexName": index}:
            yield action, f"{_resource(function, table)}/index/{index}", ""
        case {"TableName": table}:
            yield action, _resource(function, table), _leading(table, _key(parameters))


def _resource(function: str, value: str) -> str:
    """Return what the template calls something that a function knows from its environment."""
    return named(_reference(function, value))


def _parameter(function: str, value: str) -> str:
    reference = _reference(function, value)
    return str(reference.get("Fn::Sub") or f"${{{reference['Ref']}}}")


def _reference(function: str, value: str) -> Json:
    variables = resources("AWS::Lambda::Function")[function]["Environment"]["Variables"]
    found = [each for name, each in variables.items() if os.environ.get(name) == value and isinstance(each, dict)]
    if not found:
        raise ValueError(f"{function} uses {value}, which none of its environment variables names")
    reference: Json = found[0]
    return reference


def _batch_keys(items: Any) -> Iterator[Json]:
    if isinstance(items, dict):
        yield from items["Keys"]
        return
    for item in items:
        ((_, inner),) = item.items()
        yield inner.get("Item") or inner["Key"]


def _key(parameters: Json) -> Json:
    """Return a call's key; a query has it in an expression."""
    if "KeyConditionExpression" not in parameters:
        key: Json = parameters.get("Key") or parameters["Item"]
        return key
    names, values = parameters.get("ExpressionAttributeNames", {}), parameters["ExpressionAttributeValues"]
    equal = re.findall(r"(\S+) = (:\w+)", parameters["KeyConditionExpression"])
    return {names.get(name, name): values[value] for name, value in equal}


def _leading(table: str, key: Json) -> str:
    (partition,) = [
        each["AttributeName"]
        for each in resources("AWS::DynamoDB::Table")[table]["KeySchema"]
        if each["KeyType"] == "HASH"
    ]
    ((_, value),) = key[partition].items()
    first, separator, _ = str(value).partition("#")
    return first + separator if separator else ""
