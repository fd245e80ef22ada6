"""The chat for tests: events of connections, and a gateway that knows who is still there."""

import itertools
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from storefront.chat.connection import Connection, connection_of
from storefront.chat.connection_store import ConnectionStore
from storefront.chat.message_store import MessageStore
from storefront.chat.order_version_store import OrderVersionStore
from storefront.chat.room_store import RoomStore
from storefront.shared import clock
from tools.testing.aws import Aws
from tools.testing.aws_calls import AwsCall
from tools.testing.events import Context

_numbers = itertools.count()

_ROUTES = {"storefront.chat.open_connection": "$connect", "storefront.chat.close_connection": "$disconnect"}
_EVENT_TYPES = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}


@dataclass(frozen=True)
class Client:
    """Somebody at the other end of a connection."""

    connection_id: str
    customer: str = "ada"
    name: str = "Ada"
    group: str = "customer"
    connected_at: datetime = field(default_factory=lambda: clock.now())  # noqa: PLW0108 - a test may have set the clock

    @property
    def connection(self) -> Connection:
        return connection_of(self.event("$connect"))

    def event(self, route: str, body: Any = None) -> dict[str, Any]:
        """Return the event of a frame; a body that is not a text is sent as JSON."""
        return {
            "requestContext": {
                "routeKey": route,
                "eventType": _EVENT_TYPES.get(route, "MESSAGE"),
                "requestId": f"request-{next(_numbers)}=",
                "connectionId": self.connection_id,
                "connectedAt": int(self.connected_at.timestamp() * 1000),
                "authorizer": {
                    "principalId": self.customer,
                    "customerId": self.customer,
                    "name": quote(self.name),
                    "group": self.group,
                },
            },
            "body": body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False),
            "isBase64Encoded": False,
        }


class Chat:
    """The chat's functions, and the gateway that they post through.

    It hears every call to AWS (tools.testing.aws_calls), and answers those of `@connections` itself.
    """

    def __init__(self, aws: Aws) -> None:
        self.dynamodb = aws.dynamodb
        table = os.environ["CHAT_TABLE"]
        self.connections = ConnectionStore(aws.dynamodb, table)
        self.rooms = RoomStore(aws.dynamodb, table)
        self.messages = MessageStore(aws.dynamodb, table)
        self.versions = OrderVersionStore(aws.dynamodb, table)
        # Connections that are gone, and those whose posts fail, with the error.
        self.gone: set[str] = set()
        self.failing: dict[str, ClientError] = {}
        # Actions before the next call of an operation.
        self.before: dict[str, Callable[[], None]] = {}
        self.calls: list[str] = []
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.sizes: list[int] = []
        self._lock = threading.Lock()

    def hear(self, call: AwsCall) -> dict[str, Any] | None:
        """Take note of a call, and answer it if it is a post."""
        with self._lock:
            self.calls.append(call.operation)
            before = self.before.pop(call.operation, None)
        if before:
            before()
        if call.operation == "PostToConnection":
            return self._post(call.parameters["ConnectionId"], call.parameters["Data"])
        return None

    def _post(self, connection_id: str, data: bytes) -> dict[str, Any]:
        if connection_id in self.gone:
            raise post_error("GoneException", 410)
        if connection_id in self.failing:
            raise self.failing[connection_id]
        with self._lock:
            self.posts.append((connection_id, json.loads(data)))
            self.sizes.append(len(data))
        return {}

    def got(self, connection_id: str, event: str | None = None) -> list[dict[str, Any]]:
        """Return the frames that a connection was sent; of one event, if it is named."""
        return [frame for to, frame in self.posts if to == connection_id and event in (None, frame["event"])]

    def connect(self, *clients: Client, room: str | None = None) -> None:
        """Open connections, and put them into a room."""
        for client in clients:
            self.connections.open(client.connection)
            if room:
                self.rooms.join(client.connection, room, clock.now())
        self.calls.clear()

    def rows(self, prefix: str = "") -> set[tuple[str, str]]:
        """Return the keys of the table's rows, without what is kept of a customer over all their connections."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=os.environ["CHAT_TABLE"])
        keys = {(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"]}
        return {(pk, sk) for pk, sk in keys if pk.startswith(prefix) and not pk.startswith("customer#")}


def send(
    handler: Callable[[Any, Any], Any], client: Client, body: Any = None, *, milliseconds: int = 60_000
) -> dict[str, Any]:
    """Have a function handle a frame."""
    route = _ROUTES.get(handler.__module__, "any")
    answer: dict[str, Any] = handler(client.event(route, body), Context(remaining_milliseconds=milliseconds))
    return answer


def post_error(code: str, status: int) -> ClientError:
    """Return the error of a post."""
    return ClientError(
        {"Error": {"Code": code, "Message": "injected"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PostToConnection",
    )


def message(room: str = "support", text: str = "Hello", **changes: Any) -> dict[str, Any]:
    """Return a frame with a message."""
    frame = {"action": "sendMessage", "requestId": "r-1", "room": room, "text": text, "clientId": f"c-{next(_numbers)}"}
    return {**frame, **changes}
