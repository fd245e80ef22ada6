"""Settings that are not in the template: parameters and secrets, read once and kept for some minutes.

A function's environment holds only the *name* of a parameter or the ARN of a secret, never the value.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools.utilities import parameters

CACHE_SECONDS = 60


def parameter(variable: str) -> str:
    """Return the value of the Systems Manager parameter that an environment variable names.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the parameter's name.
    """
    with _errors_of_the_service():
        return parameters.get_parameter(os.environ[variable], max_age=CACHE_SECONDS)


def secret(variable: str) -> str:
    """Return the current value of the Secrets Manager secret that an environment variable names.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the secret's ARN.
    """
    with _errors_of_the_service():
        return parameters.get_secret(os.environ[variable], max_age=CACHE_SECONDS)


@contextmanager
def _errors_of_the_service() -> Iterator[None]:
    """Let a service's own error through: Powertools wraps it, and a throttled call could not be told from a mistake."""
    try:
        yield
    except parameters.GetParameterError as error:
        raise error.__context__ or error from None
