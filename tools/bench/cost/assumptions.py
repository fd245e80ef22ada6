"""What the cost assumes of AWS and of the shop's traffic; the report names each."""

from __future__ import annotations

# In milliseconds, how long an answer takes on AWS, network and service together.
WAITS = {
    "dynamodb": 5.0,
    "dynamodb:TransactWriteItems": 12.0,
    "sqs": 8.0,
    "eventbridge": 15.0,
    "apigatewaymanagementapi": 10.0,
    "payments": 150.0,
}
COLD_SHARE = 0.01
# "Configure Lambda function memory", AWS Lambda Developer Guide: with so much a function has one processor.
MEMORY_OF_A_PROCESSOR = 1769
# Lambda's own lines (START, END, REPORT) of an invocation, and a line of a gateway's access log.
PLATFORM_LOG_BYTES = 450
ACCESS_LOG_BYTES = 700
# A chat message a minute in each room, whose members stay for half an hour.
MINUTES_BETWEEN_MESSAGES = 1
MINUTES_CONNECTED = 30
MONTH_MINUTES = 365 / 12 * 24 * 60
# "Configuring scaling behavior for SQS event source mappings", AWS Lambda Developer Guide: with a maximum concurrency
# there are no fewer than five pollers; each waits up to 20 seconds for a message.
QUEUES = ("orders", "partner orders", "chat status")
POLLERS, POLL_SECONDS = 5, 20
RECONCILER_MINUTES = 5
# X-Ray's default rule: the first request of each second, and 5 % of the others ("AWS X-Ray pricing strategy").
TRACED_A_SECOND, TRACED_SHARE = 1, 0.05
# "Amazon API Gateway dimensions and metrics": of each method or route, where detailed metrics are on.
DETAILED_METRICS = 5
