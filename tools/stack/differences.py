"""What the template and the OpenAPI document ask for and the local stack does not honour: the one list of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """A setting, and what becomes of it on this machine.

    Attributes
    ----------
    asked
        What is asked for.
    where
        The words of ``template.yaml`` or ``openapi.yaml`` that ask for it; a row goes when they do.
    locally
        What the local stack does instead.
    """

    asked: str
    where: str
    locally: str


DIFFERENCES = (
    Difference(
        "functions run on Python 3.13",
        "Runtime: python3.13",
        "they run on the Python of .venv-emulator, with the packages pinned for it",
    ),
    Difference(
        "memory and processor of a function",
        "MemorySize: 512",
        "not applied: a function has this machine's resources",
    ),
    Difference(
        "APIs and function URLs have host names, and HTTPS",
        "FunctionUrlConfig",
        "they are paths on one port of 127.0.0.1, over HTTP",
    ),
    Difference(
        "a scheduled call that fails is tried again",
        "Type: Schedule",
        "it is made once; the next comes in five minutes",
    ),
    Difference(
        "transactions that meet are refused with TransactionConflict",
        "TransactWriteItems",
        "they never meet; tests inject the refusal",
    ),
    Difference(
        "functions get a share of the account's concurrency (ReserveConcurrency)",
        "ReservedConcurrentExecutions",
        "not asked for on this machine",
    ),
    Difference(
        "frames, and connections, beyond the chat's rate are refused",
        "ChatRate",
        "not by the gateway; the functions count a connection's frames as on AWS",
    ),
    Difference(
        "a frame of more than 32 KB closes its connection (1009)",
        "RouteSelectionExpression",
        "it reaches the function, which refuses it as it does all above its own, smaller limit",
    ),
    Difference(
        "a connection is closed when it is idle for ten minutes, or open for two hours",
        "AWS::Serverless::WebSocketApi",
        "it stays open; its row in the table expires as on AWS",
    ),
    Difference(
        "a role may touch the chat's items by the beginning of their keys only",
        "dynamodb:LeadingKeys",
        "by table and action only: the emulator fills in no such key",
    ),
    Difference(
        "the chat's queues take messages of its rule only",
        "ChatStatusQueuePolicy",
        "rules fill a queue whatever its policy says",
    ),
    Difference(
        "CodeDeploy shifts an alias's traffic between two versions, and calls the release hooks",
        "CodeDeployHook_",
        "it is not there; make rollout plays it, and calls versions by number",
    ),
    Difference(
        "alarms fire, and the dashboard shows something",
        "AWS::CloudWatch::Alarm",
        "AWS's metrics are not sent, so nothing fires; tests feed each alarm what AWS sends",
    ),
    Difference(
        "what authorizers fail at becomes a metric",
        "AWS::Logs::MetricFilter",
        "the filter is kept and counts nothing",
    ),
    Difference("queries over the logs are saved", "AWS::Logs::QueryDefinition", "not made: the emulator has none"),
    Difference("the APIs log who calls (ApiLogs)", "AccessLogSetting", "not asked for, and not written"),
    Difference("requests are traced", "TracingEnabled", "no trace is written"),
    Difference(
        "queues and topics refuse who comes without TLS",
        '{"aws:SecureTransport": "false"}',
        "not asked for on this machine: the emulator speaks plain HTTP, and would refuse everybody",
    ),
    Difference("data at rest is encrypted", "SSEEnabled", "not: all data is in memory, and make down ends it"),
    Difference("logs expire", "RetentionInDays", "not before make down, which ends them with everything else"),
)


def as_text() -> str:
    """Return the list for a terminal, a line each."""
    width = max(len(difference.asked) for difference in DIFFERENCES)
    return "\n".join(f"  {difference.asked:<{width}}  {difference.locally}" for difference in DIFFERENCES)
