"""Guards the emulator: only programs with the credentials of this ``up`` reach it; the shop's APIs are open to all.

A web page that a developer has open can send requests to this machine. It is told from a program by what browsers add
to its requests (``Origin``, ``Sec-Fetch-Site``) and by the name it has called (``Host``), and it does not know the
credentials. Fetch Metadata Request Headers, W3C: https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote

from ministack import app as emulator
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.sigv4 import decode_header_value

from tools.stack.inside import downloads, signatures

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_FORBIDDEN = 403
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
_NAMES = ("127.0.0.1", "localhost", "[::1]")
# By these, containers of `sam local` reach it (tools/sam_local/container_network.py). Nobody can register either: one
# has no top-level domain, and `.internal` is set aside for private use.
_CONTAINER_NAMES = ("stack.storefront:4566", "host.docker.internal:{port}")
_ELSEWHERE = {"cross-site", "same-site"}
_COGNITO = "AWSCognitoIdentityProviderService."
_KEYS_OF_A_POOL = re.compile(r"/[\w-]+/\.well-known/(jwks\.json|openid-configuration)")
# Each has a random word in its path, which only the function that must answer was told.
_REPLIES = re.compile(r"/_ministack/cfn-(response|signal)/[\w-]+")


def guarded(app: App) -> App:
    """Return the application with the guard before it."""
    guard = _Guard(os.environ["GATEWAY_PORT"], os.environ.get("PAGE_ORIGINS", "").split(","))

    async def guarded_app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await app(scope, receive, send)
        elif reason := guard.refusal(scope):
            await _refuse(scope, receive, send, reason)
        elif scope["type"] == "websocket" or guard.is_open(scope):
            await app(scope, receive, send)
        else:
            body = await _read(receive)
            if failure := signatures.failure(_request(scope, body)):
                await _answer(send, *_as_the_service(scope, failure))
            else:
                await app(scope, _again(body, receive), send)

    return guarded_app


class _Guard:
    def __init__(self, port: str, page_origins: list[str]) -> None:
        self._hosts = {f"{name}:{port}" for name in _NAMES}
        self._hosts |= {name.format(port=port) for name in _CONTAINER_NAMES}
        self._page_origins = set(filter(None, page_origins))

    def refusal(self, scope: Scope) -> str | None:
        """Say why a request is not looked at: a foreign name, or a page where no page has a business."""
        headers = _headers(scope)
        if headers.get("host", "") not in self._hosts:
            return "this machine's local AWS answers to 127.0.0.1, localhost and [::1] only"
        if _is_api(scope):
            return None
        origin = headers.get("origin")
        page = origin is not None or headers.get("sec-fetch-site") in _ELSEWHERE
        if page and not (origin in self._page_origins and _is_public_cognito(scope)):
            return "web pages may call the shop's own APIs only"
        if scope["type"] == "websocket":
            return "this WebSocket API does not exist"
        return None

    def is_open(self, scope: Scope) -> bool:
        """Whether AWS asks for no signature, or the emulator checks it: the shop's APIs, sign-in, health."""
        path, method = scope["path"], scope["method"]
        if _is_api(scope):
            return not _claims_to_be_root(scope)
        return (
            emulator._parse_lambda_url("", path) is not None
            or _is_public_cognito(scope)
            or (method == "GET" and (path in {"/_ministack/health", "/_ministack/ready"}))
            or (method == "GET" and downloads.is_signed(path, scope["query_string"].decode("latin-1")))
            or (method == "GET" and _KEYS_OF_A_POOL.fullmatch(path) is not None)
            or (method == "PUT" and _REPLIES.fullmatch(path) is not None)
        )


def _is_api(scope: Scope) -> bool:
    """Whether a request is for an API of the shop; `@connections` belongs to operators."""
    path = scope["path"]
    called = path.startswith("/_aws/execute-api/") and emulator._parse_execute_api_url("", path)
    return bool(called) and not called[2].startswith("/@connections")


def _claims_to_be_root(scope: Scope) -> bool:
    """Whether a request names a key whose signature the emulator does not check."""
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    key = router.extract_access_key_id(_headers(scope), query)
    return bool(key) and iam_evaluator.is_root_access_key(key)


def _is_public_cognito(scope: Scope) -> bool:
    """Whether a request is for an operation of a user pool that clients call without a signature, or asks for one."""
    if scope["type"] != "http" or scope["path"] != "/" or scope["query_string"]:
        return False
    if scope["method"] == "OPTIONS":
        return True
    target = _headers(scope).get("x-amz-target", "")
    operation = target.removeprefix(_COGNITO)
    public = target.startswith(_COGNITO) and operation in iam_actions.unsigned_operations("cognito-idp")
    return public and scope["method"] == "POST" and _service(scope) == "cognito-idp"


def _service(scope: Scope) -> str:
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    return str(router.detect_service(scope["method"], scope["path"], _headers(scope), query))


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), decode_header_value(raw_value)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _request(scope: Scope, body: bytes) -> signatures.Request:
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    return signatures.Request(scope["method"], path, scope["query_string"].decode(), _headers(scope), body)


async def _read(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the application the body that has been read, and then what comes after it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> dict[str, Any]:
        return messages.pop() if messages else await receive()

    return next_message


def _as_the_service(scope: Scope, failure: tuple[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Return a refusal in the form that the service's clients read."""
    error = iam_evaluator.AuthError(*failure)
    answer: tuple[int, dict[str, str], bytes] = emulator._credential_failure(
        _service(scope), "", "", error, _headers(scope)
    )
    return answer


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    await _answer(send, _FORBIDDEN, {"Content-Type": "application/json"}, json.dumps({"message": reason}).encode())


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    lines = [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]
    lines = [line for line in lines if line[0] != b"content-length"] + [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
