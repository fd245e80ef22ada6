"""Destinations of asynchronous invocations: a record of each that has succeeded, or has failed for good.

Capturing records of Lambda asynchronous invocations:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from tools.stack import apart

Json = dict[str, Any]
_logger = logging.getLogger("destinations")
_ENDPOINT = f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"
_TRIES = 3
_LONGEST_SECONDS = 21_600


def told(_: Callable[..., None]) -> Callable[[Json, Json], None]:
    """Invoke in the background, twice more after failures, and then tell the destination or dead-letter queue.

    How Lambda handles errors and retries with asynchronous invocation:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    The pauses are seconds, as the emulator's, and not minutes.
    """

    def invoke_async(function: Json, event: Json) -> None:
        context = copy_context()
        threading.Thread(target=context.run, args=(_invoked, function, event), daemon=True).start()

    return invoke_async


def _invoked(function: Json, event: Json) -> None:
    settings = _settings(function)
    tries = 1 + int(settings.get("MaximumRetryAttempts", _TRIES - 1))
    until = time.monotonic() + int(settings.get("MaximumEventAgeInSeconds", _LONGEST_SECONDS))
    result: Json = {}
    for count in range(1, tries + 1):
        result = lambda_svc._execute_function_with_config_scope(function, event)
        pause = lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS * 2 ** (count - 1)
        if not result.get("error"):
            return _tell(function, "Success", count, event, result)
        if time.monotonic() + pause > until:
            return _tell(function, "EventAgeExceeded", count, event, result)
        if count < tries:
            time.sleep(pause)
    return _tell(function, "RetriesExhausted", tries, event, result)


def _settings(function: Json) -> Json:
    """Return the settings of what was invoked: of the version, or of an alias that leads to it."""
    configs: Json = function.get("event_invoke_configs") or {}
    version = _config(function).get("Version", "$LATEST")
    aliases = [name for name, each in (function.get("aliases") or {}).items() if each["FunctionVersion"] == version]
    names = ["", "$LATEST"] if version == "$LATEST" else [version, *aliases]
    found: Json = next((configs[name] for name in names if name in configs), {})
    return found


def _config(function: Json) -> Json:
    found: Json = function.get("config") or function
    return found


def _tell(function: Json, condition: str, count: int, event: Json, result: Json) -> None:
    config = _config(function)
    kind = "OnSuccess" if condition == "Success" else "OnFailure"
    destination = ((_settings(function).get("DestinationConfig") or {}).get(kind) or {}).get("Destination")
    queue = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    try:
        if destination:
            _send(destination, _record(config, condition, count, event, result), config, kind)
        if queue and condition != "Success":  # "Lambda only sends the content of the event"
            _send(queue, event, config, kind)
    except Exception:
        _logger.exception("%s: %s did not get its record", config["FunctionName"], destination or queue)


def _record(config: Json, condition: str, count: int, event: Json, result: Json) -> Json:
    """Return the invocation record, "Example invocation record" of the page above."""
    version = config.get("Version", "$LATEST")
    failed = {} if condition == "Success" else {"functionError": result.get("function_error") or "Unhandled"}
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "version": "1.0",
        "timestamp": now.replace("+00:00", "Z"),
        "requestContext": {
            "requestId": result.get("request_id") or new_uuid(),
            "functionArn": f"{config['FunctionArn'].removesuffix(f':{version}')}:{version}",
            "condition": condition,
            "approximateInvokeCount": count,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": version} | failed,
        "responsePayload": result.get("body"),
    }


def _send(target: str, message: Json, config: Json, kind: str) -> None:
    """Send, as the function's role, a message, an event's detail or a payload ("Destination-specific JSON format")."""
    _, _, service, region, account, *name = target.split(":")
    got = lambda_runtime.execution_credentials(config)
    client = apart.session(region).client(
        service,  # type: ignore[call-overload]
        endpoint_url=_ENDPOINT,
        aws_access_key_id=got["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=got["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=got["AWS_SESSION_TOKEN"],
    )
    text = json.dumps(message)
    match service:
        case "sqs":
            client.send_message(QueueUrl=f"{_ENDPOINT}/{account}/{name[0]}", MessageBody=text)
        case "sns":
            client.publish(TopicArn=target, Message=text)
        case "events":
            detail_type = f"Lambda Function Invocation Result - {kind.removeprefix('On')}"
            entry = {"Source": "lambda", "DetailType": detail_type, "Detail": text, "EventBusName": target}
            client.put_events(Entries=[entry | {"Resources": [config["FunctionArn"], target]}])
        case "lambda":
            client.invoke(FunctionName=target, InvocationType="Event", Payload=text)
