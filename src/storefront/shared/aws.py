"""Clients of AWS services, all with limits.

They are botocore's own, as boto3's are: importing boto3 around it would make cold starts longer (docs/decisions.md).
"""

import os
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

# A person's AWS profile and its files are not read: a function has its credentials and its region in variables.
_NO_FILES: dict[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
# In place of the proxies that the environment names.
_DIRECT = Config(proxies={})

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
    return session().create_client(service, endpoint_url=endpoint, config=limits.merge(_DIRECT))


@cache
def session() -> Session:
    """Return the session of all clients, which share what it has read."""
    return get_session(_NO_FILES)
