"""The constant function: what the runtime itself costs."""

from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - as Lambda calls it
    """Answer, and do nothing else."""
    return {"statusCode": 200}
