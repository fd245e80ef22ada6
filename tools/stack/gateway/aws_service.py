"""A service of AWS behind a method, called under the integration's role, which must let API Gateway assume it.

Integrate an API with an AWS service:
https://docs.aws.amazon.com/apigateway/latest/developerguide/integrating-api-with-aws-services.html
"""

from __future__ import annotations

import json
import os
import urllib.parse
import xml.etree.ElementTree as ET  # the answers of the emulator itself, on this machine  # nosec B405
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.core import lambda_runtime

from tools.stack.gateway import permissions, transformations
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.http_endpoint import sent
from tools.stack.gateway.refusals import Refusal

Json = dict[str, Any]
_ENDPOINT = f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"
_FORM = "application/x-www-form-urlencoded"
_SESSION = botocore.session.Session()
_MODELS = {"states": "stepfunctions"}  # a service's name in an integration, and in botocore


def called(exchange: Exchange, uri: str, seconds: float) -> Answer | Refusal:
    """Call ``arn:aws:apigateway:REGION:SERVICE:action/NAME`` or ``...:path/PATH``, and map the answer."""
    _, _, _, region, service, target = uri.split(":", 5)
    kind, _, rest = target.partition("/")
    headers, query, path, body = transformations.request(exchange, False)
    url, verb = f"{_ENDPOINT}/", "POST"
    if kind == "action":
        headers, body = _as_action(service, rest, headers, query, body)
    else:
        for name, value in path.items():
            rest = rest.replace(f"{{{name}}}", urllib.parse.quote(str(value), safe=""))
        verb = exchange.integration.get("httpMethod") or "POST"
        url += rest + (f"?{urllib.parse.urlencode(query)}" if query else "")
        headers = {"Content-Type": _FORM} | headers
    request = AWSRequest(method=verb, url=url, data=body, headers=headers)
    SigV4Auth(_session_of(exchange), service, region).add_auth(request)
    status, answered, payload = sent(url, verb, dict(request.headers), body, seconds)
    if payload.startswith(b"<"):  # the services that speak XML are asked for JSON on AWS
        payload = json.dumps(_as_json(ET.fromstring(payload))).encode()  # noqa: S314  # nosec B314 - the emulator's own
    return transformations.answer(exchange, status, answered, payload)


def _as_action(service: str, action: str, headers: Json, query: Json, body: bytes) -> tuple[Json, bytes]:
    model = _SESSION.get_service_model(_MODELS.get(service, service)).metadata
    if model["protocol"] != "json":
        pairs = urllib.parse.urlencode({"Action": action} | query).encode()
        return {"Content-Type": _FORM} | headers, b"&".join(filter(None, [pairs, body]))
    kind = {"Content-Type": f"application/x-amz-json-{model['jsonVersion']}"}
    return headers | kind | {"X-Amz-Target": f"{model['targetPrefix']}.{action}"}, body


def _session_of(exchange: Exchange) -> Credentials:
    """Return a session of the integration's role, as the emulator makes one for a function's."""
    arn = exchange.integration.get("credentials")
    if not arn:
        raise permissions.NotAllowed("the integration has no credentials: name a role that may call the service")
    permissions.trust(arn)
    account = arn.split(":")[4]
    function = f"arn:aws:lambda:{exchange.owner[1]}:{account}:function:{exchange.api_id}"
    config = {"Role": arn, "FunctionArn": function, "FunctionName": "BackplaneAssumeRoleSession"}
    got = lambda_runtime.execution_credentials(config)
    return Credentials(got["AWS_ACCESS_KEY_ID"], got["AWS_SECRET_ACCESS_KEY"], got["AWS_SESSION_TOKEN"])


def _as_json(node: ET.Element) -> Json:
    children: Json = {}
    for child in node:
        children |= _as_json(child)
    return {node.tag.rpartition("}")[2]: children or node.text}
