"""Keeps this person's AWS settings apart from the local stack: no profile, file, proxy or endpoint of theirs counts."""

import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.session import Session

_NO_FILES = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def client(service: str, endpoint: str, region: str, keys: dict[str, str], limits: Config) -> Any:
    """Return a boto3 client that knows nothing but what it is given; the keys are boto3's ``aws_...``."""
    return session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=region,
        **keys,
        config=limits.merge(Config(proxies={})),
    )


def variables() -> dict[str, str]:
    """Return the environment of a program of ours: this person's, without what names an account on AWS."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SAM_"))} | _NO_FILES


@cache
def session(region: str | None = None) -> boto3.Session:
    """Return a boto3 session without credentials: a client that calls anything has to be given them."""
    # Every setting as botocore has it by default, and none from a variable or a file.
    settings = {name: (None, None, rest[2], rest[3]) for name, rest in Session.SESSION_VARIABLES.items()}
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return boto3.Session(botocore_session=Session(settings | files), region_name=region)
