"""Rules of EventBridge send to the queues whose policies let them; the emulator sends to all.

Using resource-based policies for Amazon EventBridge:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ministack.services import sqs

_logger = logging.getLogger("rules")


def by_their_policies(invoke_target: Callable[..., None]) -> Callable[..., None]:
    """Ask a queue's policy before a rule sends to it; a schedule sends as its role."""

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], *rest: Any) -> None:
        queue, source = target.get("Arn", ""), rule.get("Arn", "")
        account = source.split(":")[4] if ":rule/" in source else ""
        if account and ":sqs:" in queue and not sqs.queue_policy_allows(queue, "events.amazonaws.com", source, account):
            _logger.warning("%s may not send to %s: the queue's policy does not allow it", source, queue)
        else:
            invoke_target(target, event, rule, *rest)

    return invoke
