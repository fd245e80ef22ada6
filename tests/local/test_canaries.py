"""The search for secrets in logs finds one; it runs over all logs when the tests of the stack have ended."""

import time

import pytest

from local.stack import Stack
from storefront.access.ticket import new_ticket
from tests.support.canaries import canaries_in_logs


@pytest.mark.parametrize("leaked", ["webhook secret", "ticket"])
def test_a_secret_in_a_log_is_found(stack: Stack, leaked: str) -> None:
    secret = {"webhook secret": stack.webhook["secret"], "ticket": f"wss://chat/dev?ticket={new_ticket()}"}[leaked]
    logs = stack.client("logs")
    logs.create_log_group(logGroupName="leaky")
    logs.create_log_stream(logGroupName="leaky", logStreamName="one")
    line = {"timestamp": int(time.time() * 1000), "message": f"signed with {secret}"}
    logs.put_log_events(logGroupName="leaky", logStreamName="one", logEvents=[line])

    found = canaries_in_logs(stack)

    logs.delete_log_group(logGroupName="leaky")
    assert f"{leaked} in leaky" in found
