"""Settings that are not in the template: parameters and secrets, read once and kept for a minute.

A function's environment holds only the *name* of a parameter or the ARN of a secret, never the value.
"""

import os
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from storefront.shared.aws import client

CACHE_SECONDS = 60

Value = TypeVar("Value")


class CachedSetting(Generic[Value]):
    """A setting that is read when it is asked for, and again a minute later: so a change takes effect.

    Parameters
    ----------
    read
        Reads it.
    clock
        Returns seconds that only grow.
    """

    def __init__(self, read: Callable[[], Value], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._kept: tuple[Value, float] | None = None

    def __call__(self) -> Value:
        """Return the setting."""
        if self._kept is None or self._clock() - self._kept[1] > CACHE_SECONDS:
            self._kept = (self._read(), self._clock())
        return self._kept[0]


def parameter(variable: str) -> CachedSetting[str]:
    """Return the Systems Manager parameter that an environment variable names.

    A handler asks for it at import: it makes the client.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the parameter's name.
    """
    ssm, name = client("ssm"), os.environ[variable]
    return CachedSetting(lambda: str(ssm.get_parameter(Name=name)["Parameter"]["Value"]))


def secret(variable: str) -> CachedSetting[str]:
    """Return the Secrets Manager secret that an environment variable names, in its current version.

    A handler asks for it at import: it makes the client.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the secret's ARN.
    """
    secretsmanager, arn = client("secretsmanager"), os.environ[variable]
    return CachedSetting(lambda: str(secretsmanager.get_secret_value(SecretId=arn)["SecretString"]))
