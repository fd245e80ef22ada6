"""Open connections of WebSocket clients, and what back ends do with them.

Use @connections commands in your backend service:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from ministack.services import apigateway as v2

from tools.stack.gateway.exchange import Answer
from tools.stack.gateway.sockets import LARGEST_MESSAGE, Connection

Json = dict[str, Any]


def limited(handle: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Handle a connection within its quotas."""

    async def handle_websocket(
        scope: Json, receive: Any, send: Any, api_id: str, path_override: str | None = None
    ) -> None:
        connection = Connection(receive, send)
        await handle(scope, connection.receive, connection.send, api_id, path_override)

    return handle_websocket


def commanded(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """Answer a command in the shapes of the API Gateway Management API.

    https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/apigatewaymanagementapi.html
    """

    async def handle_command(
        method: str, api_id: str, stage: str, connection_id: str, body: bytes, headers: Json
    ) -> Answer:
        if method == "POST" and len(body) > LARGEST_MESSAGE:
            kind = {"Content-Type": "application/json", "x-amzn-ErrorType": "PayloadTooLargeException"}
            return 413, kind, b'{"message": "Message too long"}'
        connection = v2._ws_connections.get(connection_id) or {}
        known = connection_id if connection.get("stage") == stage else ""
        answer = await handle(method, api_id, stage, known, body, headers)
        if method == "POST" and known:
            connection["lastActiveAt"] = int(time.time())
        if method != "GET" or answer[0] != 200:  # noqa: PLR2004
            return answer
        described = {
            "connectedAt": _timestamp(connection["connectedAt"]),
            "identity": connection["identity"],
            "lastActiveAt": _timestamp(connection["lastActiveAt"]),
        }
        return 200, answer[1], json.dumps(described).encode()

    return handle_command


def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
