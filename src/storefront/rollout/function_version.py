"""Versions of functions: the only place that calls Lambda."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from storefront.rollout.code_deploy import Release

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Longer than a cold start, which is what a new version begins with, and than any answer that is still a good one. One
# try: a version that needs a second one is not fit.
INVOCATION_SECONDS = 30
LIMITS = Config(connect_timeout=1, read_timeout=INVOCATION_SECONDS, retries={"total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an invocation.

    Parameters
    ----------
    answer
        What the function returned; Lambda's description of the error where it failed.
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
    """

    def __init__(self, functions: "LambdaClient") -> None:
        self._functions = functions

    def handler_of(self, release: Release) -> str:
        """Return the name of a version's handler."""
        configuration = self._functions.get_function_configuration(
            FunctionName=release.function, Qualifier=release.version
        )
        return configuration["Handler"]

    def invoke(self, release: Release, event: Any) -> Outcome:
        """Call a version, whatever the alias says."""
        response = self._functions.invoke(
            FunctionName=release.function, Qualifier=release.version, Payload=json.dumps(event).encode()
        )
        return Outcome(json.loads(response["Payload"].read()), failed="FunctionError" in response)
