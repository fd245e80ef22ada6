"""The frames that the chat sends, and how they are written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from storefront.chat.connection import MAX_FRAME_BYTES
from storefront.chat.message import Message
from storefront.shared import clock

Frame = Mapping[str, Any]

# Visible ASCII: what comes back in an answer, and in a refusal before anything else is known, does no harm.
REQUEST_ID_PATTERN = r"^[!-~]{1,64}$"


def encoded(frame: Frame) -> bytes:
    """Return a frame as it is sent: as UTF-8, since escaped an emoji would take twelve bytes in place of four."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()


def joined(request_id: str, room: str) -> Frame:
    """Return the answer to `joinRoom`."""
    return {"event": "joined", "requestId": request_id, "room": room}


def left(request_id: str, room: str) -> Frame:
    """Return the answer to `leaveRoom`."""
    return {"event": "left", "requestId": request_id, "room": room}


def pong(request_id: str) -> Frame:
    """Return the answer to `ping`."""
    return {"event": "pong", "requestId": request_id}


def sent(request_id: str, message: Message) -> Frame:
    """Return the answer to `sendMessage`."""
    return {
        "event": "sent",
        "requestId": request_id,
        "room": message.room,
        "messageId": message.id,
        "clientId": message.client_id,
        "sentAt": clock.to_text(message.sent_at),
    }


def history(request_id: str, room: str, messages: Sequence[Message], *, more: bool) -> Frame:
    """Return the answer to `history`: as many of the messages as one frame can hold.

    Parameters
    ----------
    request_id
        The request's id.
    room
        The room.
    messages
        Its messages, newest first.
    more
        Whether there are others behind them.
    """
    shown: list[Frame] = []
    # With the longest `before`: whether there will be one is not known yet.
    size = len(encoded(_history_frame(request_id, room, shown, before="0" * 29)))
    for message in messages:
        written = _message(message)
        size += len(encoded(written)) + len(",")
        if size > MAX_FRAME_BYTES:
            break
        shown.append(written)
    more = more or len(shown) < len(messages)
    return _history_frame(request_id, room, shown, shown[-1]["messageId"] if more else None)


def message_in_room(message: Message) -> Frame:
    """Return what everybody in a room gets."""
    return {"event": "message", "room": message.room, **_message(message)}


def error(request_id: str | None, problem: Mapping[str, Any]) -> Frame:
    """Return a refusal: problem details, and the id of the request where one could be read."""
    return {"event": "error", "requestId": request_id, **problem}


def _history_frame(request_id: str, room: str, messages: list[Frame], before: str | None) -> Frame:
    frame = {"event": "history", "requestId": request_id, "room": room, "messages": messages}
    return {**frame, "before": before} if before else frame


def _message(message: Message) -> Frame:
    return {
        "messageId": message.id,
        "sender": {"name": message.name, "group": message.group},
        "text": message.text,
        "sentAt": clock.to_text(message.sent_at),
    }
