"""Settings that are not in the template: parameters and secrets, kept for a minute.

A function's environment holds only the *name* of a parameter or the ARN of a secret, never the value.
"""

import os
import time
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from storefront.shared.aws import client
from storefront.shared.observability import logger

CACHE_SECONDS = 60
# A value that was good a moment ago is better than none: this long it outlives failures to read it again.
KEEP_SECONDS = 10 * 60
# A service that fails is not asked by every request.
PAUSE_SECONDS = 5

Value = TypeVar("Value")


class CachedSetting(Generic[Value]):
    """A setting that is read when it is asked for, and again a minute later: so a change takes effect.

    Where reading it again fails, the last value counts for some minutes more, and the next try waits a moment.

    Parameters
    ----------
    read
        Reads it.
    clock
        Returns seconds that only grow.
    keep_seconds
        How long the last value counts while reading fails, `KEEP_SECONDS` unless it says otherwise; 0 for a secret that
        must not outlive its end.
    """

    def __init__(
        self,
        read: Callable[[], Value],
        clock: Callable[[], float] = time.monotonic,
        keep_seconds: float | None = None,
    ) -> None:
        self._read = read
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._kept: tuple[Value, float] | None = None
        self._failure: tuple[Exception, float] | None = None

    def __call__(self) -> Value:
        """Return the setting; where it cannot be read and no value counts any more, raise what reading it raised."""
        now = self._clock()
        if self._kept and now - self._kept[1] <= CACHE_SECONDS:
            return self._kept[0]
        if self._failure is None or now - self._failure[1] > PAUSE_SECONDS:
            self._read_again(now)
        kept, failure = self._kept, self._failure
        keep_seconds = KEEP_SECONDS if self._keep_seconds is None else self._keep_seconds
        if failure and (kept is None or now - kept[1] > CACHE_SECONDS + keep_seconds):
            raise failure[0].with_traceback(None)
        return cast("tuple[Value, float]", kept)[0]

    def _read_again(self, now: float) -> None:
        try:
            self._kept, self._failure = (self._read(), now), None
        except Exception as error:
            logger.warning("setting not read", extra={"reason": type(error).__name__, "kept": self._kept is not None})
            self._failure = (error, now)


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
