"""The frames that a client may send."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from storefront.chat.frame import REQUEST_ID_PATTERN
from storefront.chat.message import MESSAGE_ID_PATTERN
from storefront.chat.room import ROOM_PATTERN
from storefront.shared.body import readable

DEFAULT_MESSAGES = 20
MAX_MESSAGES = 50
MAX_TEXT_CHARACTERS = 4000

RULES = {
    "requestId": "an id of yours, of 1 to 64 visible ASCII characters, that the answer will carry",
    "room": "a room has 1 to 64 small letters, digits and hyphens, such as `support`",
    "clientId": "an id of yours, of 1 to 64 letters, digits, hyphens and underscores, a new one for each message",
    "text": "a text says something: not blanks alone, and no control characters but tabs and line ends",
    "before": "the `before` of the page that came last, unchanged",
}

_RequestId = Annotated[str, Field(pattern=REQUEST_ID_PATTERN)]
_Room = Annotated[str, Field(pattern=ROOM_PATTERN)]


class Request(BaseModel):
    """The members of every frame."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    requestId: _RequestId  # noqa: N815 - the frame's name


class JoinRoom(Request):
    """To get what is said in a room from now on."""

    action: Literal["joinRoom"]
    room: _Room


class LeaveRoom(Request):
    """To get it no more."""

    action: Literal["leaveRoom"]
    room: _Room


class SendMessage(Request):
    """To say something in a room. The sender and the time are the server's to say."""

    action: Literal["sendMessage"]
    room: _Room
    text: Annotated[
        str,
        Field(min_length=1, max_length=MAX_TEXT_CHARACTERS),
        readable(MAX_TEXT_CHARACTERS, breaks="\n\t"),
    ]
    clientId: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]  # noqa: N815 - the frame's name


class ShowHistory(Request):
    """To see what was said before, newest first."""

    action: Literal["history"]
    room: _Room
    limit: Annotated[int, Field(ge=1, le=MAX_MESSAGES)] = DEFAULT_MESSAGES
    before: Annotated[str, Field(pattern=MESSAGE_ID_PATTERN)] | None = None


class Ping(Request):
    """To keep the connection: the gateway closes one that is idle for ten minutes."""

    action: Literal["ping"]
