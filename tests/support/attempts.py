"""The requests that are made of AWS: one for each attempt, whoever makes it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tools.testing.aws_calls import record_attempts

# Calls that a function makes once and keeps (storefront.shared.configuration): they belong to no request.
CONFIGURATION = {"GetParameter", "GetSecretValue"}

_seen: list[str] = []
record_attempts(_seen.append)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the requests of a block by their operation, those for configuration apart: they are left out."""
    counts: Counter[str] = Counter()
    _seen.clear()
    try:
        yield counts
    finally:
        counts.update(operation for operation in _seen if operation not in CONFIGURATION)
