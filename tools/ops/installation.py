"""A deployed stack as an operator reaches it: on this machine or on AWS, with the same calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3

from tools.stack.stack import STACK_NAME, Stack, outputs_on_aws


@dataclass(frozen=True)
class Installation:
    """A stack, found by its name.

    Attributes
    ----------
    name
        The stack's name.
    outputs
        The stack's outputs.
    client
        Returns a boto3 client for a service.
    """

    name: str
    outputs: dict[str, str]
    client: Callable[[str], Any]

    @classmethod
    def of(cls, stack: Stack) -> Installation:
        """Return the local stack."""
        return cls(STACK_NAME, stack.outputs, stack.client)

    @classmethod
    def on_aws(cls, name: str) -> Installation:
        """Return a stack on AWS, with the credentials and the region of the environment."""
        return cls(name, outputs_on_aws(name), boto3.client)  # type: ignore[arg-type]

    def resources(self, kind: str) -> dict[str, str]:
        """Return the names in AWS of all resources of a type, by their names in the template.

        In pages: one answer holds a hundred at the most, and the stack has more ("ListStackResources", AWS
        CloudFormation API Reference).
        """
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == kind
        }
