"""The secret that the payment provider signs webhooks with: the only place that reads it from Secrets Manager."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from storefront.shared.configuration import CachedSetting

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


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
        self._versions = CachedSetting(self._read, clock, keep_seconds=0)

    def versions(self) -> tuple[str, ...]:
        """Return the current secret and, once it has been rotated, the one before.

        A wrong signature does not cause a read: anybody could make us read at will. So a new secret
        counts a minute after the rotation at the latest, and until then the provider's other signature does.

        This fails closed: a secret that leaked and was replaced must not count while Secrets Manager does not answer.
        The provider sends its events again.
        """
        return self._versions()

    def _read(self) -> tuple[str, ...]:
        return (self._version("AWSCURRENT"), *self._previous())

    def _previous(self) -> tuple[str, ...]:
        try:
            return (self._version("AWSPREVIOUS"),)
        except self._secretsmanager.exceptions.ResourceNotFoundException:
            # A secret that was never rotated has no version before.
            return ()

    def _version(self, stage: str) -> str:
        return self._secretsmanager.get_secret_value(SecretId=self._arn, VersionStage=stage)["SecretString"]
