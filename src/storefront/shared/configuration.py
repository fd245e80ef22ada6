"""Settings that are not in the template: parameters and secrets, read once and kept for some minutes.

A function's environment holds only the *name* of a parameter or the ARN of a secret, never the value.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from aws_lambda_powertools.utilities.parameters import GetParameterError, SecretsProvider, SSMProvider

from storefront.shared.aws import client

CACHE_SECONDS = 60


def parameter(variable: str) -> Callable[[], str]:
    """Return what reads the value of the Systems Manager parameter that an environment variable names.

    A handler asks for it at import: it makes the client.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the parameter's name.
    """
    return _reader(parameters(), os.environ[variable])


def secret(variable: str) -> Callable[[], str]:
    """Return what reads the current value of the Secrets Manager secret that an environment variable names.

    A handler asks for it at import: it makes the client.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the secret's ARN.
    """
    return _reader(secrets(), os.environ[variable])


@cache
def parameters() -> SSMProvider:
    """Return what reads and keeps parameters."""
    return SSMProvider(boto3_client=client("ssm"))


@cache
def secrets() -> SecretsProvider:
    """Return what reads and keeps secrets."""
    return SecretsProvider(boto3_client=client("secretsmanager"))


def _reader(provider: SSMProvider | SecretsProvider, name: str) -> Callable[[], str]:
    def read() -> str:
        with _errors_of_the_service():
            return str(provider.get(name, max_age=CACHE_SECONDS))

    return read


@contextmanager
def _errors_of_the_service() -> Iterator[None]:
    """Let a service's own error through: Powertools wraps it, and a throttled call could not be told from a mistake."""
    try:
        yield
    except GetParameterError as error:
        raise error.__context__ or error from None
