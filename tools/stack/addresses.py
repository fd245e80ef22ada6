"""Addresses on AWS, in the form that works on this machine: host names under one port need a path instead."""

from __future__ import annotations

from urllib.parse import urlsplit

from tools.stack.stack import Stack

# The parameters of the stack that hold an address which functions call.
_PARAMETERS = ("PaymentsUrlParameterName", "RestApiUrlParameterName")


def write_local_urls(stack: Stack) -> None:
    """Write the addresses of the sandbox and of the REST API, which functions read, in the local form."""
    ssm = stack.client("ssm")
    for name in filter(None, map(stack.outputs.get, _PARAMETERS)):
        parameter = ssm.get_parameter(Name=name)["Parameter"]
        local = local_url(parameter["Value"], stack.endpoint)
        if parameter["Value"] != local:
            ssm.put_parameter(Name=name, Value=local, Type=parameter["Type"], Overwrite=True)


def local_url(url: str, endpoint: str) -> str:
    """Return the URL of an API, a function or a queue as it is at the emulator's endpoint, and other text as it is."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    scheme = {"wss": "ws", "ws": "ws"}.get(parts.scheme, "http")
    base = f"{scheme}://{urlsplit(endpoint).netloc}"
    identifier = host.split(".")[0]
    if ".execute-api." in host:
        return f"{base}/_aws/execute-api/{identifier}{parts.path}"
    if ".lambda-url." in host:
        return f"{base}/_aws/lambda-url/{identifier}{parts.path}"
    if parts.scheme in {"http", "https"} and (
        host.startswith(("sqs.", "queue.")) or host in {"localhost", "127.0.0.1"}
    ):
        return f"{base}{parts.path}"
    return url
