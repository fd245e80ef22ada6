"""The search for secrets in logs finds one; it runs over all logs when the tests of the stack have ended."""

import time

from local.stack import Stack
from tests.support.canaries import canaries_in_logs


def test_a_secret_in_a_log_is_found(stack: Stack) -> None:
    logs = stack.client("logs")
    logs.create_log_group(logGroupName="leaky")
    logs.create_log_stream(logGroupName="leaky", logStreamName="one")
    line = {"timestamp": int(time.time() * 1000), "message": f"signed with {stack.webhook['secret']}"}
    logs.put_log_events(logGroupName="leaky", logStreamName="one", logEvents=[line])

    leaked = canaries_in_logs(stack)

    logs.delete_log_group(logGroupName="leaky")
    assert "webhook secret in leaky" in leaked
