"""The stack a client talks to: where it is, its outputs, who can sign in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from pydantic import TypeAdapter

from tools import environments
from tools.console import Problem
from tools.stack import apart

ROOT = environments.ROOT
STATE_DIRECTORY = environments.STATE_DIRECTORY
# The files that `sam deploy` reads, beside the packages and its settings.
DEPLOYED_FILES = ("template.yaml", "operations.yaml", "edge.yaml", "openapi.yaml", "refund.asl.json")
STACK_NAME = "storefront-local"
REGION = "us-east-1"


@dataclass(frozen=True)
class User:
    """A customer who can sign in."""

    email: str
    password: str


@dataclass(frozen=True)
class PartnerAccess:
    """A partner's credentials; the API key goes into a header on the emulator only."""

    token: str
    api_key: str


@dataclass(frozen=True)
class Stack:
    """The local stack, as its clients and operators see it; `StackOnAws` is one on AWS.

    Attributes
    ----------
    credentials
        The access key and secret of the account's root: random, and good until the emulator ends.
    outputs
        The outputs of the CloudFormation stack, URLs in the form that works on this machine.
    users
        The people that can sign in: the customers ``customer`` and ``other``, and ``support``.
    webhook
        The ``secret`` with which a payment provider signs webhooks.
    back_office
        An hour's credentials of the role that writes products; ``up`` and other commands renew them.
    """

    endpoint: str
    region: str
    credentials: dict[str, str] = field(repr=False)
    outputs: dict[str, str]
    users: dict[str, User]
    webhook: dict[str, str] = field(default_factory=dict)
    back_office: dict[str, str] = field(default_factory=dict, repr=False)
    # By their usage plans, `bronze` and `gold`
    partners: dict[str, PartnerAccess] = field(default_factory=dict)
    name: str = STACK_NAME

    @staticmethod
    def load(state: Path = STATE_DIRECTORY) -> Stack:
        """Read what ``up`` has written; raise `Problem` if no stack is up."""
        try:
            return TypeAdapter(Stack).validate_json((state / "stack.json").read_bytes())
        except FileNotFoundError:
            raise Problem("no stack is up: start one with make up") from None

    def save(self, state: Path = STATE_DIRECTORY) -> None:
        """Write the file that clients read; only this person may read it, since it holds passwords and tokens."""
        path = state / "stack.json"
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(TypeAdapter(Stack).dump_json(self, indent=2))

    def client(self, service: str) -> Any:
        """Return a boto3 client for a service of this stack, whatever the environment says about AWS."""
        return client(service, self.endpoint, self.credentials)

    def resources(self, kind: str) -> dict[str, str]:
        """Return the names in AWS of all resources of a type, by their names in the template."""
        found = resources_of(self.client("cloudformation"), self.name)
        return {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in found if row["ResourceType"] == kind}

    @property
    def url(self) -> str:
        """The REST API's address, without a slash at its end."""
        return self.outputs["RestApiUrl"].rstrip("/")


@dataclass(frozen=True)
class StackOnAws(Stack):
    """A stack on AWS, reached with the credentials and the region of the environment."""

    @classmethod
    def named(cls, name: str) -> StackOnAws:
        """Return a stack by its name; raise `Problem` if the environment names no region."""
        region = boto3.Session().region_name
        if not region:
            raise Problem("in which region the stack is, nobody says: set AWS_REGION")
        described = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=name)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
        return cls(endpoint="", region=region, credentials={}, outputs=outputs, users={}, name=name)

    def client(self, service: str) -> Any:
        """Return a boto3 client for a service."""
        return boto3.client(service, region_name=self.region)  # type: ignore[call-overload]


def bypass_proxies() -> None:
    """Have this process and its children reach this machine directly: a proxy cannot."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, ["127.0.0.1", "localhost", os.environ.get(name)]))


def client(service: str, endpoint: str, credentials: dict[str, str]) -> Any:
    """Return a boto3 client for a service of the emulator."""
    return apart.session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=credentials["accessKeyId"],
        aws_secret_access_key=credentials["secretAccessKey"],
        config=Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2}, proxies={}),
    )


def aws_variables(endpoint: str, credentials: dict[str, str]) -> dict[str, str]:
    """Return the variables by which AWS's tools find the emulator, and no account on AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": credentials["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["secretAccessKey"],
        "AWS_SESSION_TOKEN": "",  # a person's own would go along  # nosec B105
        "AWS_DEFAULT_REGION": REGION,
    }


def exports(stack: Stack, outputs: dict[str, str]) -> dict[str, str]:
    """Return the variables that commands for a stack are typed with: ``aws_variables``, and outputs as ``API_URL``."""
    named = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper(): value for name, value in outputs.items()}
    # Version 2 of the AWS CLI shows long answers in a pager.
    return aws_variables(stack.endpoint, stack.credentials) | {"AWS_PAGER": ""} | named


def resources_of(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    """Return what CloudFormation lists of a stack's resources, without those that are deleted or not yet made.

    "ListStackResources", AWS CloudFormation API Reference: an answer holds a hundred at the most.
    """
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    rows = (row for page in pages for row in page["StackResourceSummaries"])
    return [row for row in rows if row["ResourceStatus"] != "DELETE_COMPLETE" and "PhysicalResourceId" in row]
