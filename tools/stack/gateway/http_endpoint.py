"""An HTTP endpoint behind a method, as a proxy or with mappings both ways.

HTTP integrations: https://docs.aws.amazon.com/apigateway/latest/developerguide/setup-http-integrations.html
"""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tools.stack.gateway import execution_log, transformations
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.refusals import Refusal

Json = dict[str, Any]
_NOT_PASSED_BACK = {"connection", "transfer-encoding", "content-length", "date", "server"}
_PATH_PARAMETER = re.compile(r"\{(\w+)\+?\}")


def called(exchange: Exchange, proxy: bool, seconds: float) -> Answer | Refusal:
    """Call the endpoint, whose address may have stage variables and path parameters in it."""
    if exchange.integration.get("connectionType") == "VPC_LINK":
        raise ValueError("this machine has no VPC, and so no VPC link")
    headers, query, path, body = transformations.request(exchange, proxy)
    uri = _PATH_PARAMETER.sub(lambda match: str(path.get(match[1], "")), exchange.filled(exchange.integration["uri"]))
    uri += f"{'&' if '?' in uri else '?'}{urllib.parse.urlencode(query)}" if query else ""
    verb = exchange.integration.get("httpMethod") or exchange.verb
    status, answered, payload = sent(uri, exchange.verb if verb == "ANY" else verb, headers, body, seconds)
    if not proxy:
        return transformations.answer(exchange, status, answered, payload)
    return status, {name: value for name, value in answered.items() if name.lower() not in _NOT_PASSED_BACK}, payload


class _Staying(urllib.request.HTTPRedirectHandler):
    """Leaves a redirection to the client."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


_OPENER = urllib.request.build_opener(_Staying)


@execution_log.sending
def sent(url: str, method: str, headers: Json, body: bytes, seconds: float) -> Answer:
    """Send a request, and return whatever answer comes."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not an address of HTTP: {url}")
    data = body or None if method not in {"GET", "HEAD"} else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310
    try:
        with _OPENER.open(request, timeout=seconds) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise error.reason from error
        raise
