"""Settings that are not in the template: parameters and secrets, read once and kept for some minutes.

A function's environment holds only the *name* of a parameter or the ARN of a secret, never the value.
"""

import os

from aws_lambda_powertools.utilities import parameters

CACHE_SECONDS = 300


def parameter(variable: str) -> str:
    """Return the value of the Systems Manager parameter that an environment variable names.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the parameter's name.
    """
    return parameters.get_parameter(os.environ[variable], max_age=CACHE_SECONDS)


def secret(variable: str) -> str:
    """Return the current value of the Secrets Manager secret that an environment variable names.

    Parameters
    ----------
    variable
        The name of the environment variable that holds the secret's ARN.
    """
    return parameters.get_secret(os.environ[variable], max_age=CACHE_SECONDS)
