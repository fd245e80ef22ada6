"""Secrets, tokens and personal data of the local stack, looked for in everything that its functions have logged.

Metrics are among it: functions emit them as log lines. Traces hold what Lambda and API Gateway write into them, names
and times; no function adds to them (a test sees to that), and the emulator makes none.
"""

import re
from collections.abc import Iterator

from tools.demo.api_client import sign_in
from tools.stack.stack import Stack

# Texts that nobody should send, and somebody will: tests send them in every place of every route. Each has the shape
# that lets it come as far as it can.
SENT = {
    "token": "eyJhbGciOiJub25lIn0.canarytokencanarytoken.c2ln",
    "secret": "canary-secret-9f8e7d6c5b4a",
    "e-mail": "canary@leak.example",
    "card number": "4242424242424242",
}


def canaries_in_logs(stack: Stack) -> list[str]:
    """Return the names of the canaries that are in a log line, and the log groups where they are."""
    canaries = dict(_canaries(stack))
    logs = stack.client("logs")
    # Tickets are spent by now, but there must be no habit of logging them: all addresses with one are looked for.
    ticket_in_address = re.compile(r"[?&]ticket=[A-Za-z0-9_-]{43}")
    pages = logs.get_paginator("describe_log_groups").paginate()
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    found = set()
    lines = 0
    for group in groups:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            for event in page["events"]:
                lines += 1
                found |= {f"{name} in {group}" for name, value in canaries.items() if value in event["message"]}
                found |= {f"ticket in {group}" for _ in ticket_in_address.findall(event["message"])}
    assert lines, "there are logs to look through"
    return sorted(found)


def _canaries(stack: Stack) -> Iterator[tuple[str, str]]:
    for name, value in SENT.items():
        yield f"{name} that was sent", value
    for name, user in stack.users.items():
        yield f"e-mail of {name}", user.email
        yield f"password of {name}", user.password
        # The header of all tokens is the same; the payload is this person's.
        yield f"token of {name}", sign_in(stack, name).split(".")[1][:60]
    for name, partner in stack.partners.items():
        yield f"token of partner {name}", partner.token.rsplit("_", 1)[1]
        yield f"API key of partner {name}", partner.api_key
    yield "webhook secret", stack.webhook["secret"]
    for name in ("secret_access_key", "session_token"):
        yield f"back office's {name}", stack.back_office[name]
    secretsmanager = stack.client("secretsmanager")
    for secret in secretsmanager.list_secrets()["SecretList"]:
        yield f"secret {secret['Name']}", secretsmanager.get_secret_value(SecretId=secret["ARN"])["SecretString"]
