"""Versions of functions: the only place that calls Lambda."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from storefront.rollout.code_deploy import Release
from storefront.shared.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Result = TypeVar("Result")

# Longer than a cold start, which is what a new version begins with, and than any answer that is still a good one. One
# try: a version that needs a second one is not fit.
INVOCATION_SECONDS = 30
LIMITS = Config(connect_timeout=1, read_timeout=INVOCATION_SECONDS, retries={"total_max_attempts": 1})
# The longest pauses, in seconds, while Lambda has no room: a new account runs ten functions at once, hooks included.
PAUSES = (1, 2, 4, 8, 16, 20, 20)
_NO_ROOM = "TooManyRequestsException"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an invocation.

    Parameters
    ----------
    answer
        The answer of the function; Lambda's description of the error where it failed.
    failed
        Whether it failed: it raised, could not be imported, or ran out of time.
    """

    answer: Any
    failed: bool = False


class FunctionVersions:
    """Looks at versions of functions, and calls them.

    Parameters
    ----------
    functions
        A Lambda client, with the limits of this module.
    pause
        Waits for some seconds.
    """

    def __init__(self, functions: "LambdaClient", pause: Callable[[float], None] = time.sleep) -> None:
        self._functions = functions
        self._pause = pause

    def handler_of(self, release: Release) -> str:
        """Return the name of a version's handler."""
        configuration = self._once_there_is_room(
            lambda: self._functions.get_function_configuration(FunctionName=release.function, Qualifier=release.version)
        )
        return configuration["Handler"]

    def invoke(self, release: Release, event: Any) -> Outcome:
        """Call a version, whatever the alias says."""
        payload = json.dumps(event).encode()
        response = self._once_there_is_room(
            lambda: self._functions.invoke(FunctionName=release.function, Qualifier=release.version, Payload=payload)
        )
        return Outcome(json.loads(response["Payload"].read()), failed="FunctionError" in response)

    def _once_there_is_room(self, call: Callable[[], Result]) -> Result:
        """Make a call, again while it is throttled: that says nothing about the version."""
        for longest in PAUSES:
            try:
                return call()
            except ClientError as error:
                if error.response["Error"]["Code"] != _NO_ROOM:
                    raise
            logger.info("Lambda has no room yet")
            self._pause(random.uniform(longest / 2, longest))  # noqa: S311 - jitter
        return call()
