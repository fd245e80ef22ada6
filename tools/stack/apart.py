"""Keeps this person's AWS settings apart from the local stack: no profile, file, proxy or endpoint of theirs counts."""

import os
from functools import cache

import boto3
from botocore.session import Session

_OURS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "SAM_CLI_TELEMETRY": "0",
}


def variables() -> dict[str, str]:
    """Return the environment of a program of ours: this person's, without what names an account on AWS."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SAM_"))} | _OURS


@cache
def session(region: str | None = None) -> boto3.Session:
    """Return a boto3 session without credentials: a client that calls anything has to be given them."""
    # Every setting as botocore has it by default, and none from a variable or a file.
    settings = {name: (None, None, rest[2], rest[3]) for name, rest in Session.SESSION_VARIABLES.items()}
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return boto3.Session(botocore_session=Session(settings | files), region_name=region)
