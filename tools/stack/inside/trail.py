"""CloudTrail's event history: who called which operation of the control plane, when, and with which parameters.

Management events: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
Record contents: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
A call that is refused leaves no event here, and neither do the calls that CloudFormation makes.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
from ministack import app
from ministack.core import iam_evaluator, responses, router
from ministack.services import cloudtrail

Json = dict[str, Any]
_logger = logging.getLogger("trail")
# Data events, which the history does not have, and telemetry.
_LEFT_OUT = re.compile(
    r"(Batch|Transact)?(Get|Put|Update|Delete|Write)Items?|Query|Scan|GetRecords|GetShardIterator|Invoke\w*"
    r"|(Send|Receive|Delete)Message(Batch)?|ChangeMessageVisibility(Batch)?|Publish(Batch)?|(Put|Get|Head|Delete)Object"
    r"|PutEvents|PutLogEvents|PutMetricData|PutTraceSegments|PutTelemetryRecords|TransactWriteItems"
)
# CloudTrail hides them, too; in any depth, and those of the operation itself. Longer texts are cut.
_SECRETS = cloudtrail._SCRUB_KEYS | {"authparameters", "challengeresponses", "session", "accesstoken", "refreshtoken"}
_SECRETS |= {"temporarypassword", "proposedpassword", "previouspassword", "clientsecret", "secrethash", "variables"}
_OWN_SECRETS = {"zipFile", "value"}
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_LONGEST = 2000
_NAMING = re.compile(r"\w*(Name|Arn|Id|Url|Function)")
_SOURCES = {"cloudwatch": "monitoring"}


def recorded(_: Callable[..., None]) -> Callable[..., None]:
    """Record each call that the emulator has answered."""

    def record(service: str, method: str, path: str, headers: Json, body: bytes, query: Json, *rest: str) -> None:
        if path.startswith("/_") or service == "cloudtrail":
            return
        try:
            name, parameters = _call(service, method, path, headers, body, query)
            if name and not _LEFT_OUT.fullmatch(name):
                _keep(service, name, parameters, headers, query, *rest)
        except Exception:  # the call has its answer
            _logger.exception("%s %s of %s is in no event", method, path, service)

    return record


def _call(service: str, method: str, path: str, headers: Json, body: bytes, query: Json) -> tuple[str, Json]:
    """Return the operation's name and its parameters, by the protocol of the service."""
    target = headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2], json.loads(body or b"{}")
    form = dict(parse_qsl(body.decode(errors="replace"))) if "form" in headers.get("content-type", "") else {}
    form = {name: values[0] for name, values in query.items()} | form
    if "Action" in form:
        return form["Action"], {name: value for name, value in form.items() if name not in {"Action", "Version"}}
    if service == "s3":
        return app._ct_event_name(service, method, path, headers, query), {"bucketName": path.split("/")[1]}
    for verb, pattern, name in _operations("apigatewayv2" if path.startswith("/v2/") else service):
        if verb == method and (match := pattern.fullmatch(path)):
            return name, match.groupdict() | (json.loads(body) if body.startswith(b"{") else {})
    return "", {}


@cache
def _operations(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Return method, path and name of all operations of a service that speaks REST, the longest path first."""
    found = []
    model = botocore.session.Session().get_service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        path = operation.http["requestUri"].partition("?")[0]
        members = operation.input_shape.members if operation.input_shape else {}
        names = {shape.serialization.get("name", member): member for member, shape in members.items()}
        pattern = "".join(
            f"(?P<{names[part[1:-1]]}>[^/]+)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{\w+\})", path.replace("+}", "}"))
        )
        found.append((operation.http["method"], re.compile(pattern), name))
    return sorted(found, key=lambda each: len(each[1].pattern), reverse=True)


def _keep(service: str, name: str, parameters: Json, headers: Json, query: Json, request_id: str, region: str) -> None:
    key = router.extract_access_key_id(headers, query)
    identity, user = _identity(key)
    shown = {each[0].lower() + each[1:]: value for each, value in _without_secrets(parameters).items()}
    shown |= dict.fromkeys(_OWN_SECRETS & shown.keys(), _HIDDEN)
    now = time.time()
    read_only = str(name.startswith(("Get", "List", "Describe", "Head", "Lookup"))).lower()
    event = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "eventSource": f"{_SOURCES.get(service, service)}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": headers.get("user-agent", ""),
        "requestParameters": shown or None,
        "responseElements": None,
        "requestID": request_id,
        "eventID": responses.new_uuid(),
        "readOnly": read_only == "true",
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": responses.get_account_id(),
        "eventCategory": "Management",
    }
    names = [value for each, value in shown.items() if isinstance(value, str) and _NAMING.fullmatch(each)]
    cloudtrail._get_event_queue().append(
        {
            "EventId": event["eventID"],
            "EventName": name,
            "EventSource": event["eventSource"],
            "EventTime": now,
            "Username": user,
            "AccessKeyId": key or "",
            "ReadOnly": read_only,
            "Resources": [{"ResourceName": unquote(each)} for each in names],
            "CloudTrailEvent": json.dumps(event, default=str),
        }
    )


def _identity(key: str | None) -> tuple[Json, str]:
    """Return whose key it is, and the name by which the history is searched: the user's, or the session's of a role.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
    """
    if not key:
        return {"type": "Unknown"}, ""
    caller = iam_evaluator.resolve_credential(key)
    if not isinstance(caller, iam_evaluator.ResolvedCredential):
        return {"type": "Unknown", "accessKeyId": key}, ""
    arn = caller.principal_arn
    user = arn.rpartition(":")[2].rpartition("/")[2]
    kind = "Root" if user == "root" else "AssumedRole" if ":assumed-role/" in arn else "IAMUser"
    known = {"type": kind, "principalId": caller.principal_id, "arn": arn, "accountId": caller.account_id}
    return known | {"accessKeyId": key} | ({"userName": user} if kind == "IAMUser" else {}), user


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _HIDDEN if name.lower() in _SECRETS else _without_secrets(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return value[:_LONGEST] if isinstance(value, str) else value
