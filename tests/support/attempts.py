"""The requests that are made of AWS, seen by botocore's event hooks: one for each attempt, whoever makes it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.handlers

# What a function's first request reads and keeps (storefront.shared.configuration); it is no part of any request.
CONFIGURATION = {"GetParameter", "GetSecretValue"}

_seen: list[str] = []


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the requests of a block by their operation, those for configuration apart: they are left out."""
    counts: Counter[str] = Counter()
    _seen.clear()
    try:
        yield counts
    finally:
        counts.update(operation for operation in _seen if operation not in CONFIGURATION)


def _see(event_name: str, **_: Any) -> None:
    _seen.append(event_name.rpartition(".")[2])


# At once: every session takes these handlers when it is made, every client its session's, and the functions' handlers
# make their clients at import ("Extensibility guide", Boto3 documentation: events).
botocore.handlers.BUILTIN_HANDLERS.append(("request-created", _see))
