"""Production's resources that are paid for by the month, from its template."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

from tools.bench.cost.usage import ASSUMED
from tools.stack.samconfig import environment
from tools.testing.deployment import Deployment
from tools.testing.metrics_in_code import metrics_in_code
from tools.testing.template import openapi

_METHODS = {"get", "put", "post", "delete"}


def production() -> dict[str, Any]:
    """Return each function's memory, and the resources by the names of the prices."""
    # It tells of features that it has not, each time.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    of_kind: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    prod = Deployment(**environment("prod").overrides)
    for name, one in (prod.resources | prod.nested.resources).items():
        of_kind[one["Type"]][name] = one.get("Properties", {})
    methods = sum(len(path.keys() & _METHODS) for path in openapi()["paths"].values())
    routes = len(of_kind["AWS::ApiGatewayV2::Route"])
    # An alarm watches one metric, or calculates with several.
    watched = [alarm.get("Metrics", ()) for alarm in of_kind["AWS::CloudWatch::Alarm"].values()]
    return {
        "memory": {name: one["MemorySize"] for name, one in of_kind["AWS::Lambda::Function"].items()},
        "resources": {
            "alarms": sum(sum("MetricStat" in metric for metric in metrics) or 1 for metrics in watched),
            "dashboards": len(of_kind["AWS::CloudWatch::Dashboard"]),
            "metrics": len(metrics_in_code()) + ASSUMED["detailed_metrics"] * (methods + routes),
            # And the payment provider's, which is not the template's.
            "secrets": len(of_kind["AWS::SecretsManager::Secret"]) + 1,
        },
    }
