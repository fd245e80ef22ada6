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
        The key, or the key and value, of ``template.yaml`` or ``openapi.yaml`` that asks for it; a row goes with it.
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
        "the Cognito authorizer takes this pool's ID tokens only",
        "cognito_user_pools",
        "access tokens, and tokens of other clients, pass it; the functions refuse them",
    ),
    Difference(
        "a webhook without one of its headers never reaches the authorizer (401)",
        "identitySource: method.request.header.X-Webhook-Timestamp",
        "the authorizer is called, and refuses it (403)",
    ),
    Difference(
        "whose usage plan a request counts for is what the authorizer says",
        "x-amazon-apigateway-api-key-source: AUTHORIZER",
        "it is what the x-api-key header says: clients of partner routes send their key in it",
    ),
    Difference(
        "the message of a partner's order carries the request's id",
        "$util.urlEncode($context.requestId)",
        "it does not; the consumer's logs go by the message's id",
    ),
    Difference(
        "a revoked partner is refused at once, since the stage's authorizer cache is flushed",
        "authorizerResultTtlInSeconds: 300",
        "the cache cannot be flushed: a token that was just used is good for up to five minutes",
    ),
    Difference(
        "the gateway puts a partner's order on the queue in a role of its own",
        "${HandInPartnerOrderRole}",
        "no role is asked for",
    ),
    Difference(
        "the REST API keeps its id",
        "AWS::Serverless::Api",
        "any change of openapi.yaml gives it a new id, and so a new URL",
    ),
    Difference(
        "APIs and function URLs have host names, and HTTPS",
        "FunctionUrlConfig",
        "they are paths on one port of 127.0.0.1, over HTTP",
    ),
    Difference(
        "a function that fails or times out is answered as a problem",
        "INTEGRATION_FAILURE",
        "the emulator answers 502 with a text of its own",
    ),
    Difference(
        "a scheduled call that fails is tried again",
        "Type: Schedule",
        "it is made once; the next comes in five minutes",
    ),
    Difference(
        "transactions that meet are refused with TransactionConflict",
        "dynamodb:UpdateItem",
        "they never meet; tests inject the refusal",
    ),
    Difference(
        "the resource policy with its deny list",
        "x-amazon-apigateway-policy",
        "not applied: every address may call; tests evaluate the policy for every route",
    ),
    Difference(
        "functions get a share of the account's concurrency (ReserveConcurrency)",
        "ReservedConcurrentExecutions",
        "not asked for on this machine",
    ),
    Difference(
        "a signed request of a role that may not call is answered in the API's problem shape",
        "ACCESS_DENIED",
        "with the same status, 403, and a message in the emulator's own shape",
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
        "it is not there, and an alias has one version; make rollout plays it, and calls versions by number",
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
        "aws:SecureTransport",
        "not asked for on this machine: the emulator speaks plain HTTP, and would refuse everybody",
    ),
    Difference("data at rest is encrypted", "SSEEnabled", "not: all data is in memory, and make down ends it"),
    Difference("logs expire", "RetentionInDays", "not before make down, which ends them with everything else"),
)


def as_text() -> str:
    """Return the list for a terminal, a line each."""
    width = max(len(difference.asked) for difference in DIFFERENCES)
    return "\n".join(f"  {difference.asked:<{width}}  {difference.locally}" for difference in DIFFERENCES)
