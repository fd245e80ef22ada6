"""The secret that the payment provider signs webhooks with: the only place that reads it from Secrets Manager."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_SECONDS = 60


class WebhookSecret:
    """Reads the versions of the secret that count, and keeps them for a minute.

    Parameters
    ----------
    secretsmanager
        A Secrets Manager client.
    arn
        The secret.
    clock
        Returns seconds that only grow.
    """

    def __init__(
        self, secretsmanager: "SecretsManagerClient", arn: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._secretsmanager = secretsmanager
        self._arn = arn
        self._clock = clock
        self._read_at = 0.0
        self._versions: tuple[str, ...] = ()

    def versions(self) -> tuple[str, ...]:
        """Return the current secret and, once it has been rotated, the one before.

        A secret that does not verify is no reason to read again: anybody could make us read at will. So a new secret
        counts a minute after the rotation at the latest, and until then the provider's other signature does.
        """
        if not self._versions or self._clock() - self._read_at > CACHE_SECONDS:
            self._versions = (self._version("AWSCURRENT"), *self._previous())
            self._read_at = self._clock()
        return self._versions

    def _previous(self) -> tuple[str, ...]:
        try:
            return (self._version("AWSPREVIOUS"),)
        except self._secretsmanager.exceptions.ResourceNotFoundException:
            # A secret that was never rotated has no version before.
            return ()

    def _version(self, stage: str) -> str:
        return self._secretsmanager.get_secret_value(SecretId=self._arn, VersionStage=stage)["SecretString"]
