"""The one logger and the one metrics collector of a function.

Both are configured by `POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE` and `POWERTOOLS_LOG_LEVEL`. Log lines
carry identifiers only: no token, no secret, no e-mail address, no body.
"""

import json
import os
import time
import warnings

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

__all__ = ["MetricUnit", "count_fault", "logger", "metrics"]

# Most invocations have nothing to count; that is no cause for a warning in each of them.
warnings.filterwarnings("ignore", "No application metrics to publish")

logger = Logger()
metrics = Metrics()


def count_fault() -> None:
    """Count an unexpected failure that is turned into an answer: to Lambda the invocation has succeeded.

    The alarms that roll a release back add this to Lambda's own `Errors`. So it has the dimensions of a function and of
    its version, and no others: Powertools would add the service to them, and the alarms would watch another metric. It
    is a log line, complete in itself ("Specification: Embedded metric format", Amazon CloudWatch User Guide), and needs
    no `metrics.log_metrics` around it.
    """
    definition = {
        "Namespace": metrics.namespace,
        "Dimensions": [["FunctionName"], ["FunctionName", "ExecutedVersion"]],
        "Metrics": [{"Name": "Faults", "Unit": MetricUnit.Count.value}],
    }
    fault = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [definition]},
        "FunctionName": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        "ExecutedVersion": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "Faults": 1,
    }
    print(json.dumps(fault))
