"""The execution log of a request: each step of its way, in API Gateway's words, without the caller's secrets.

Nothing is written while a request is served: its exchange is kept, and the log is told from it when somebody reads it.
Set up CloudWatch logging for REST APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
The words are those of https://repost.aws/knowledge-center/api-gateway-logs and of logs that people have published.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from tools.stack.gateway.exchange import Answer, Exchange

Json = dict[str, Any]
METHOD, AUTHORIZER, USAGE_PLAN = "method request", "authorizer", "usage plan"
VALIDATION, REQUEST, INTEGRATION = "validation", "integration request", "integration"
RESPONSE, REFUSED = "method response", "gateway response"
_MOST_KEPT = 50
# "API Gateway currently limits log events to 1024 bytes", in the page above
_LONGEST = 1024
_SECRET_HEADERS = {"authorization", "x-api-key", "cookie", "x-amz-security-token"}
_MASK = "*" * 10
# A shorter word would be masked wherever it stands; as a header it is masked by its name.
_SHORTEST_SECRET = 8
_kept: OrderedDict[str, Trace] = OrderedDict()
_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


@dataclass
class Call:
    """A call of a back end or of a Lambda authorizer, and its answer."""

    uri: str
    headers: Json
    body: Any
    status: int | None = None
    answered_headers: Json = field(default_factory=dict)
    answer: Any = None
    milliseconds: int = 0


@dataclass
class Trace:
    """A request, the step that it has come to, and the calls made for it; ``asked`` is False if its caller was not."""

    exchange: Exchange
    asked: bool = True
    step: str = METHOD
    authorizer: Call | None = None
    authorizer_milliseconds: int | None = None
    endpoint: Call | None = None
    answer: Answer | None = None
    refusal: Any = None

    def ended(self, answer: Answer, refusal: Any) -> None:
        """Take note of the answer, and of the refusal that it renders."""
        status, headers, body = answer
        self.answer, self.refusal = (status, dict(headers), body), refusal  # the emulator adds headers of its own


@dataclass(frozen=True)
class Line:
    """A line, and the step that it tells of; ``kind`` is info, data (headers and bodies) or error."""

    step: str
    text: str
    kind: str = "info"


def begun(exchange: Exchange, asked: bool = True) -> Trace:
    """Return the trace of a request, which is the current one until the request ends."""
    trace = Trace(exchange, asked)
    _current.set(trace)
    return trace


def keep(trace: Trace) -> None:
    """Keep the trace among the last ones."""
    _kept[trace.exchange.context["requestId"]] = trace
    if len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)


def kept(request_id: str) -> list[Line] | None:
    """Return the log of one of the last requests."""
    trace = _kept.get(request_id)
    return None if trace is None else list(lines(trace))


def as_text(trace: Trace) -> str:
    """Return the log as TestInvokeMethod answers it.

    https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html
    """
    date = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(trace.exchange.started))
    told = "".join(f"{date} : {line.text}\n" for line in lines(trace))
    return f"Execution log for request {trace.exchange.context['requestId']}\n{told}"


def calling_functions(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Note what a function behind a method gets and answers."""

    @wraps(call)
    async def call_function(reference: str, event: Json, **options: Any) -> Any:
        made = Call(reference, {"Content-Type": "application/json"}, event)
        trace = _current.get()
        if trace is not None:
            trace.endpoint = made
        begun_at = time.perf_counter()
        result, missing = await call(reference, event, **options)
        made.milliseconds = round(1000 * (time.perf_counter() - begun_at))
        if result is not None:
            made.status, made.answer = 200, result.get("body")
        return result, missing

    return call_function


def calling_authorizers(invoke: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Note what a Lambda authorizer gets and answers."""

    @wraps(invoke)
    async def invoke_authorizer(authorizer: Json, event: Json, *owner: str) -> Any:
        made = Call(str(authorizer.get("authorizerUri")), {}, event)
        trace = _current.get()
        if trace is not None:
            trace.authorizer = made
        result = await invoke(authorizer, event, *owner)
        made.answer = (result or {}).get("body")
        return result

    return invoke_authorizer


def sending(send: Callable[..., tuple[int, Json, Any]]) -> Callable[..., tuple[int, Json, Any]]:
    """Note what an HTTP endpoint or a service gets and answers."""

    @wraps(send)
    def noted(url: str, method: str, headers: Json, body: Any, seconds: float) -> tuple[int, Json, Any]:
        made = Call(url, headers, body)
        trace = _current.get()
        if trace is not None:
            trace.endpoint = made
        begun_at = time.perf_counter()
        made.status, made.answered_headers, made.answer = send(url, method, headers, body, seconds)
        made.milliseconds = round(1000 * (time.perf_counter() - begun_at))
        return made.status, made.answered_headers, made.answer

    return noted


def lines(trace: Trace) -> Iterator[Line]:
    """Yield the lines of a request that has ended; the caller's secrets are masked in all of them."""
    secrets = _secrets(trace)
    for line in _lines(trace):
        text = line.text
        for secret in secrets:
            text = text.replace(secret, _MASK)
        cut = text.encode()[:_LONGEST].decode(errors="ignore")
        yield Line(line.step, text if cut == text else f"{cut} [TRUNCATED]", line.kind)


def _lines(trace: Trace) -> Iterator[Line]:
    exchange = trace.exchange
    if exchange.resource and trace.asked:
        yield from _of_authorizer(trace)
        if trace.step not in {METHOD, AUTHORIZER}:
            yield from _of_usage_plan(trace)
    if trace.step not in {AUTHORIZER, USAGE_PLAN}:
        yield from _of_method(exchange)
        yield from _of_integration(trace)
    yield from _of_answer(trace)


def _of_authorizer(trace: Trace) -> Iterator[Line]:
    exchange = trace.exchange
    kind = exchange.method.get("authorizationType")
    identifier = exchange.context["requestId"]
    if trace.step == METHOD or kind not in {"CUSTOM", "COGNITO_USER_POOLS"}:
        if trace.step == AUTHORIZER:  # the resource policy, or a signature that is missing
            yield Line(AUTHORIZER, str(trace.refusal.message))
        return
    yield Line(AUTHORIZER, f"Starting authorizer: {exchange.method.get('authorizerId')} for request: {identifier}")
    if call := trace.authorizer:
        yield Line(AUTHORIZER, f"Endpoint request URI: {call.uri}", "data")
        yield Line(AUTHORIZER, f"Endpoint request body after transformations: {_text(call.body)}", "data")
        yield Line(AUTHORIZER, f"Authorizer result body before parsing: {_text(call.answer)}", "data")
    if trace.step != AUTHORIZER:
        if principal := (exchange.authorizer or {}).get("principalId"):
            yield Line(AUTHORIZER, f"Using valid authorizer policy for principal: {principal}")
        yield Line(AUTHORIZER, "Successfully completed authorizer execution")
    elif trace.refusal.response_type == "UNAUTHORIZED":
        yield Line(AUTHORIZER, f"Unauthorized request: {identifier}")
    elif trace.refusal.response_type.startswith("AUTHORIZER_"):
        yield Line(AUTHORIZER, "Execution failed due to configuration error: Authorizer error", "error")
    else:
        yield Line(AUTHORIZER, str(trace.refusal.message))


def _of_usage_plan(trace: Trace) -> Iterator[Line]:
    exchange = trace.exchange
    stage = f"{exchange.api_id}/{exchange.stage_name}"
    key = _MASK if exchange.context["identity"].get("apiKey") else ""
    start = f"Verifying Usage Plan for request: {exchange.context['requestId']}."
    yield Line(USAGE_PLAN, f"{start} API Key: {key} API Stage: {stage}")
    if trace.step == USAGE_PLAN:
        yield Line(USAGE_PLAN, str(trace.refusal.message))
        return
    if not exchange.method.get("apiKeyRequired"):
        method = f"{exchange.verb} {exchange.resource['path']}"
        without = f"because method '{method}' does not require API Key. Request will not contribute to throttle"
        yield Line(USAGE_PLAN, f"API Key authorized {without} or quota limits")
    yield Line(USAGE_PLAN, f"Usage Plan check succeeded for API Key {key} and API Stage {stage}")


def _of_method(exchange: Exchange) -> Iterator[Line]:
    if not exchange.resource:
        return
    yield Line(METHOD, f"Starting execution for request: {exchange.context['requestId']}")
    yield Line(METHOD, f"HTTP Method: {exchange.verb}, Resource Path: {exchange.resource['path']}")
    yield Line(METHOD, f"Method request path: {_map(exchange.parameters['path'])}", "data")
    yield Line(METHOD, f"Method request query string: {_map(exchange.parameters['querystring'])}", "data")
    yield Line(METHOD, f"Method request headers: {_map(exchange.parameters['header'])}", "data")
    yield Line(METHOD, f"Method request body before transformations: {exchange.text}", "data")


def _of_integration(trace: Trace) -> Iterator[Line]:
    exchange, refusal, call = trace.exchange, trace.refusal, trace.endpoint
    if refusal is not None and trace.step == VALIDATION:
        kind = exchange.header("content-type", "application/json").split(";")[0]
        broken = getattr(refusal, "validation", "")
        schema = f"Request body does not match model schema for content type {kind}: {broken}"
        yield Line(VALIDATION, schema if broken else str(refusal.message))
    if call is not None:
        yield Line(REQUEST, f"Endpoint request URI: {call.uri}", "data")
        yield Line(REQUEST, f"Endpoint request headers: {_map(call.headers)}", "data")
        yield Line(REQUEST, f"Endpoint request body after transformations: {_text(call.body)}", "data")
        yield Line(INTEGRATION, f"Sending request to {call.uri}", "data")
    elif exchange.cache_hit:
        yield Line(INTEGRATION, "Successfully fetched cached response")
    if call is not None and call.status is not None:
        latency = f"Integration latency: {call.milliseconds} ms"
        yield Line(INTEGRATION, f"Received response. Status: {call.status}, {latency}")
        yield Line(INTEGRATION, f"Endpoint response headers: {_map(call.answered_headers)}", "data")
        yield Line(INTEGRATION, f"Endpoint response body before transformations: {_text(call.answer)}", "data")
    if refusal is not None and trace.step == INTEGRATION:
        yield Line(INTEGRATION, _failure(refusal, call), "error")


def _failure(refusal: Any, call: Call | None) -> str:
    answer = call.answer if call else None
    if refusal.response_type == "INTEGRATION_TIMEOUT":
        return "Execution failed due to a timeout error"
    if isinstance(answer, dict) and "errorMessage" in answer:
        return f"Lambda execution failed with status 200 due to customer function error: {answer['errorMessage']}"
    if refusal.response_type == "DEFAULT_5XX":
        return "Execution failed due to configuration error: Malformed Lambda proxy response"
    return f"Execution failed due to configuration error: {refusal.message}"


def _of_answer(trace: Trace) -> Iterator[Line]:
    status, headers, body = trace.answer or (500, {}, b"")
    if trace.refusal is not None:
        yield Line(REFUSED, f"Gateway response type: {trace.refusal.response_type} with status code: {status}")
        yield Line(REFUSED, f"Gateway response body: {_text(body)}", "data")
        yield Line(REFUSED, f"Gateway response headers: {_map(headers)}", "data")
    else:
        yield Line(RESPONSE, f"Method response body after transformations: {_text(body)}", "data")
        yield Line(RESPONSE, f"Method response headers: {_map(headers)}", "data")
        yield Line(RESPONSE, "Successfully completed execution")
    yield Line(RESPONSE if trace.refusal is None else REFUSED, f"Method completed with status: {status}")


def _secrets(trace: Trace) -> set[str]:
    """Return what must be in no line: credentials that the caller sent, and the key that an authorizer named."""
    exchange = trace.exchange
    values = [str(value) for name, value in exchange.parameters["header"].items() if name.lower() in _SECRET_HEADERS]
    named = trace.authorizer.answer if trace.authorizer else None
    values += [str(exchange.context["identity"].get("apiKey"))]
    values += [str(named.get("usageIdentifierKey"))] if isinstance(named, dict) else []
    tokens = [value.partition(" ")[2] for value in values]
    return {value for value in (*values, *tokens) if len(value) >= _SHORTEST_SECRET}


def _map(values: Json) -> str:
    shown = {name: _MASK if name.lower() in _SECRET_HEADERS else value for name, value in values.items()}
    return f"{{{', '.join(f'{name}={value}' for name, value in shown.items())}}}"


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else json.dumps(value, default=str)
