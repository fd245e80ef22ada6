"""The functions of a stack as they are deployed, and the environment in which one runs outside of Lambda."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.stack.function_name import kebab_of
from tools.stack.stack import Stack

_VERSION = "$LATEST"
_SESSION = "outside-of-lambda"


@dataclass(frozen=True)
class Function:
    """A function as it is deployed: ``name`` is what its log group and its folder in ``events/`` are called."""

    name: str
    logical_id: str
    arn: str
    handler: str
    timeout: int  # in seconds
    memory: int  # in MB
    role: str  # its ARN
    environment: dict[str, str] = field(repr=False)


def deployed(stack: Stack) -> dict[str, Function]:
    """Return a stack's functions by their names."""
    functions = {}
    for logical_id, resource in sorted(stack.resources("AWS::Lambda::Function").items()):
        configuration = stack.client("lambda").get_function_configuration(FunctionName=resource)
        name = kebab_of(logical_id)
        functions[name] = Function(
            name=name,
            logical_id=logical_id,
            arn=configuration["FunctionArn"],
            handler=configuration["Handler"],
            timeout=configuration["Timeout"],
            memory=configuration["MemorySize"],
            role=configuration["Role"],
            environment=configuration.get("Environment", {}).get("Variables", {}),
        )
    return functions


def process_environment(function: Function, stack: Stack) -> dict[str, str]:
    """Return the whole environment of a process that runs a function's handler against a local stack.

    It is the deployed one, with what Lambda adds ("Working with Lambda environment variables", AWS Lambda Developer
    Guide), and an hour's credentials of the function's role, so that its policies count. Nothing in it can reach a real
    account.
    """
    assumed = stack.client("sts").assume_role(RoleArn=function.role, RoleSessionName=_SESSION)["Credentials"]
    return {
        **function.environment,
        "AWS_ENDPOINT_URL": stack.endpoint,
        "AWS_REGION": stack.region,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.arn.rpartition(":")[2],
        "AWS_LAMBDA_FUNCTION_VERSION": _VERSION,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[{_VERSION}]{uuid.uuid4().hex}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
        "AWS_SESSION_TOKEN": assumed["SessionToken"],
    }
