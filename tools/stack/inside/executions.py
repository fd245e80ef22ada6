"""Names of executions, which the emulator takes as they come.

StartExecution: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions

_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")


def by_name(start: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Refuse a name that AWS does not take, and start a running execution with the same input no second time."""

    def start_execution(data: dict[str, Any]) -> Any:
        name = str(data.get("name", "unnamed"))
        if not _NAME.fullmatch(name):
            return error_response_json("InvalidName", f"Invalid Name: '{name}'", 400)
        machine = str(data.get("stateMachineArn")).replace(":stateMachine:", ":execution:")
        found = stepfunctions._executions.get(f"{machine}:{name}")
        if found and found["status"] == "RUNNING" and found["input"] == data.get("input", "{}"):
            return json_response({"executionArn": found["executionArn"], "startDate": found["startDate"]})
        return start(data)

    return start_execution
