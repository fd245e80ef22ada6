"""Sends a request to the local stack and prints its way through API Gateway, as the console's Test button does."""

from __future__ import annotations

from http import HTTPStatus
from itertools import groupby
from typing import Any

import requests

from storefront.shared.http import session
from tools.console import say, say_indented, styled
from tools.demo.api_client import ApiClient
from tools.ops.back_office import signed
from tools.stack.stack import Stack

_SECONDS = 10


def explain(stack: Stack, client: ApiClient, method: str, path: str, data: str | None, headers: dict[str, str]) -> None:
    """Send the request, and print each step of it with what the gateway's execution log says."""
    body = None if data is None else data.encode()
    kind = {} if data is None else {"Content-Type": "application/json"}
    answer = client.request(method, path, data=body, headers=kind | headers)
    lines = _log(stack, answer.headers.get("x-amzn-requestid", ""))
    if lines is None:
        say("API Gateway refused the caller before the method request: it checks signatures and IAM policies first.")
        say_indented(answer.text)
    for step, of_step in groupby(lines or [], key=lambda line: line["step"]):
        say(styled(step, "bold"))
        for line in of_step:
            say_indented(line["text"])
    say(f"{method} {path}: {answer.status_code} {answer.reason}")


def _log(stack: Stack, request_id: str) -> list[dict[str, str]] | None:
    """Read a request's execution log from the gateway, which keeps it in memory for a while."""
    api_id = stack.url.split("/")[-2]
    url = f"{stack.endpoint}/restapis/{api_id}/executions/{request_id}"
    keys = {
        "access_key_id": stack.credentials["accessKeyId"],
        "secret_access_key": stack.credentials["secretAccessKey"],
        "session_token": "",  # nosec B105
    }
    headers = signed("GET", url, b"", {}, keys, stack.region, "apigateway")
    found: requests.Response = session().get(url, headers=headers, timeout=_SECONDS)
    if found.status_code == HTTPStatus.NOT_FOUND:
        return None
    found.raise_for_status()
    lines: Any = found.json()["lines"]
    return list(lines)
