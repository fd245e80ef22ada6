"""The stack a client talks to: where it is, what it put out, who can sign in."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tools.console import Problem

ROOT = Path(__file__).resolve().parents[2]
STATE_DIRECTORY = ROOT / ".local"
STACK_NAME = "storefront-local"
REGION = "us-east-1"
# The emulator lets this key do everything, as an account's root; the functions run as their own roles.
CREDENTIALS = {"accessKeyId": "test", "secretAccessKey": "test"}


@dataclass(frozen=True)
class User:
    """A customer who can sign in."""

    email: str
    password: str


@dataclass(frozen=True)
class PartnerAccess:
    """What a partner calls with; the API key goes into a header on the emulator only."""

    token: str
    api_key: str


@dataclass(frozen=True)
class Stack:
    """A deployed stack, as its clients see it.

    Attributes
    ----------
    endpoint
        Where the AWS services answer.
    outputs
        The outputs of the CloudFormation stack, URLs in the form that works on this machine.
    users
        The people that can sign in: the customers ``customer`` and ``other``, and ``support``.
    webhook
        What a payment provider needs to sign webhooks: ``secret``.
    back_office
        An hour's credentials of the role that writes products; ``up`` gets new ones each time.
    partners
        The partners by their usage plans, ``bronze`` and ``gold``.
    """

    endpoint: str
    region: str
    credentials: dict[str, str]
    outputs: dict[str, str]
    users: dict[str, User]
    webhook: dict[str, str] = field(default_factory=dict)
    back_office: dict[str, str] = field(default_factory=dict, repr=False)
    partners: dict[str, PartnerAccess] = field(default_factory=dict)

    @classmethod
    def load(cls, state: Path = STATE_DIRECTORY) -> Stack:
        """Read what ``up`` has written.

        Raises
        ------
        Problem
            If no stack is up.
        """
        try:
            content = json.loads((state / "stack.json").read_text())
        except FileNotFoundError:
            raise Problem("no stack is up: start one with make up") from None
        users = {name: User(**user) for name, user in content.pop("users").items()}
        partners = {name: PartnerAccess(**access) for name, access in content.pop("partners", {}).items()}
        return cls(users=users, partners=partners, **content)

    def save(self, state: Path = STATE_DIRECTORY) -> None:
        """Write the file that clients read; only this person may read it, since it holds passwords and tokens."""
        state.mkdir(parents=True, exist_ok=True)
        path = state / "stack.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def client(self, service: str) -> Any:
        """Return a boto3 client for a service of this stack, whatever the environment says about AWS."""
        return client(service, self.endpoint)

    @property
    def url(self) -> str:
        """The REST API's address, without a slash at its end."""
        return self.outputs["RestApiUrl"].rstrip("/")


@dataclass(frozen=True)
class StackOnAws(Stack):
    """A stack on AWS, reached with the credentials and the region of the environment."""

    @classmethod
    def named(cls, name: str) -> StackOnAws:
        """Return a stack by its name.

        Raises
        ------
        Problem
            If the environment names no region.
        """
        region = boto3.Session().region_name
        if not region:
            raise Problem("in which region the stack is, nobody says: set AWS_REGION")
        return cls(endpoint="", region=region, credentials={}, outputs=outputs_on_aws(name), users={})

    def client(self, service: str) -> Any:
        """Return a boto3 client for a service."""
        return boto3.client(service, region_name=self.region)  # type: ignore[call-overload]


def bypass_proxies() -> None:
    """Have this process and its children reach this machine directly: a proxy cannot."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, ["127.0.0.1", "localhost", os.environ.get(name)]))


def client(service: str, endpoint: str) -> Any:
    """Return a boto3 client for a service of the emulator."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["accessKeyId"],
        aws_secret_access_key=CREDENTIALS["secretAccessKey"],
        config=Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2}),
    )


def outputs_on_aws(stack_name: str) -> dict[str, str]:
    """Return the outputs of a stack on AWS, with the credentials and the region of the environment."""
    described = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
