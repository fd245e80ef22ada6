"""The metrics that alarms watch, as they are sent: name, unit, exact dimensions, and the page that says so."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Emitted:
    """A metric of a service.

    Attributes
    ----------
    dimensions
        The names of its dimensions. A service may send a metric under several sets of them; this is one.
    source
        The title of the page, and of its book.
    """

    namespace: str
    name: str
    unit: str
    dimensions: tuple[str, ...]
    source: str


_GATEWAY = "Amazon API Gateway dimensions and metrics, Amazon API Gateway Developer Guide"
_WEBSOCKET = "Monitor WebSocket API execution with CloudWatch metrics, Amazon API Gateway Developer Guide"
_LAMBDA = "Types of metrics for Lambda functions, AWS Lambda Developer Guide"
_QUEUE = "Available CloudWatch metrics for Amazon SQS, Amazon SQS Developer Guide"
# "Metrics that specify both the EventBusName and RuleName dimensions refer to a custom event bus."
_BUS = "Monitoring Amazon EventBridge, Amazon EventBridge User Guide"
_STATES = "Monitoring Step Functions metrics using Amazon CloudWatch, AWS Step Functions Developer Guide"
_OURS = "tests/observability/test_metrics.py runs the functions and reads what they send"
_FILTER = "AWS::Logs::MetricFilter MetricTransformation, CloudFormation Template Reference"

SERVER_ERRORS = Emitted("AWS/ApiGateway", "5XXError", "Count", ("ApiName", "Stage"), _GATEWAY)
LATENCY = Emitted("AWS/ApiGateway", "Latency", "Milliseconds", ("ApiName", "Stage"), _GATEWAY)
INTEGRATION_ERRORS = Emitted("AWS/ApiGateway", "IntegrationError", "Count", ("ApiId", "Stage"), _WEBSOCKET)
EXECUTION_ERRORS = Emitted("AWS/ApiGateway", "ExecutionError", "Count", ("ApiId", "Stage"), _WEBSOCKET)
ERRORS = Emitted("AWS/Lambda", "Errors", "Count", ("FunctionName",), _LAMBDA)
THROTTLES = Emitted("AWS/Lambda", "Throttles", "Count", ("FunctionName",), _LAMBDA)
ITERATOR_AGE = Emitted("AWS/Lambda", "IteratorAge", "Milliseconds", ("FunctionName",), _LAMBDA)
VISIBLE = Emitted("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Count", ("QueueName",), _QUEUE)
AGE = Emitted("AWS/SQS", "ApproximateAgeOfOldestMessage", "Seconds", ("QueueName",), _QUEUE)
FAILED_INVOCATIONS = Emitted("AWS/Events", "FailedInvocations", "Count", ("EventBusName", "RuleName"), _BUS)
SENT_TO_DLQ = Emitted("AWS/Events", "InvocationsSentToDlq", "Count", ("EventBusName", "RuleName"), _BUS)
TIMED_OUT = Emitted("AWS/States", "ExecutionsTimedOut", "Count", ("StateMachineArn",), _STATES)
AUTHORIZER_FAILURES = Emitted("Storefront", "AuthorizerFailures", "Count", ("service",), _FILTER)


def ours(name: str) -> Emitted:
    """Return a metric that the functions send."""
    return Emitted("Storefront", name, "Count", ("service",), _OURS)
