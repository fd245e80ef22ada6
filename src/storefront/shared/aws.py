"""Clients of AWS services, all with limits."""

from typing import Any

import boto3
from botocore.config import Config

# A function has seconds, not the minutes that botocore's defaults would wait: a call that hangs is given up while there
# is still time to answer, or to hand the message back.
LIMITS = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})


def client(service: str, *, endpoint: str | None = None, limits: Config = LIMITS) -> Any:
    """Return a client of an AWS service; a handler makes its clients once, at import.

    Parameters
    ----------
    service
        The service as boto3 names it, such as `dynamodb`.
    endpoint
        Where the service is, if it is not in the place that is the same for everybody: each WebSocket API has its own.
    limits
        How long a call may take and how often it is tried, where the limits that all share do not fit.
    """
    return boto3.client(service, endpoint_url=endpoint, config=limits)  # type: ignore[call-overload]
