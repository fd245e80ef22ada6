"""The stack of a lesson: beside the shop on the running emulator, and gone with everything it left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from tools.console import Problem
from tools.lessons.page import Lesson
from tools.stack import addresses, references
from tools.stack.deployment import BUCKET, first_failure
from tools.stack.stack import Stack

_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
_PATIENCE = {"Delay": 0.2, "MaxAttempts": 150}


def stack_name(lesson: Lesson) -> str:
    """Return the name of a lesson's stack."""
    return f"lesson-{lesson.name}"


def deploy(stack: Stack, lesson: Lesson) -> None:
    """Deploy a lesson's template anew; raise `Problem` with the reason of the first resource that failed."""
    take_down(stack, lesson)
    if lesson.template is None:
        return
    references.require_none(lesson.template)
    cloudformation, name, started = stack.client("cloudformation"), stack_name(lesson), time.time()
    with _uploaded(stack.client("s3"), lesson, lesson.template) as body:
        cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=_CAPABILITIES)
        try:
            cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=_PATIENCE)
        except WaiterError:
            reason = first_failure(cloudformation, started, name) or "the stack was not made"
            take_down(stack, lesson)
            raise Problem(f"{lesson.template}: {reason}") from None


def outputs(stack: Stack, lesson: Lesson) -> dict[str, str]:
    """Return the outputs of a lesson's stack, URLs as they are on this machine; raise `Problem` if it is not up."""
    if lesson.template is None:
        return {}
    described = _described(stack.client("cloudformation"), stack_name(lesson))
    if described is None:
        raise Problem(f"lesson {lesson.name} is not up: storefront lesson {lesson.name} --up deploys it")
    rows = described.get("Outputs", [])
    return {row["OutputKey"]: addresses.local_url(row["OutputValue"], stack.endpoint) for row in rows}


def take_down(stack: Stack, lesson: Lesson) -> bool:
    """Delete a lesson's stack and the log groups of its functions; return whether there was a stack."""
    cloudformation, name = stack.client("cloudformation"), stack_name(lesson)
    found = _described(cloudformation, name) is not None
    if found:
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_PATIENCE)
    logs = stack.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}-")["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    return found


@contextmanager
def _uploaded(s3: Any, lesson: Lesson, template: Path) -> Iterator[str]:
    """Give a lesson's template, with its OpenAPI document where CloudFormation can read it, as `sam package` does."""
    body, document = template.read_text(), template.with_name("openapi.yaml")
    if not document.exists():
        yield body
        return
    key = f"{stack_name(lesson)}/{document.name}"
    s3.put_object(Bucket=BUCKET, Key=key, Body=document.read_bytes())
    try:
        yield body.replace(f"Location: {document.name}", f"Location: s3://{BUCKET}/{key}")
    finally:
        s3.delete_object(Bucket=BUCKET, Key=key)


def _described(cloudformation: Any, name: str) -> Any:
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError:
        return None
