"""A visit to the shop: the people in it, and how a journey shows and checks what they do."""

import json
import queue
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests

from storefront.shared.text import printable
from tools.console import Problem, styled
from tools.demo.api_client import SETTLED, ApiClient
from tools.demo.chat import Chat, Frame, Refused
from tools.stack.stack import Stack

_WAIT_SECONDS = 30
_SHOWN_LINES = 14
# The headers that a journey is about: of requests, and of answers.
_SENT = ("Authorization", "Idempotency-Key", "If-Match", "X-Webhook-Timestamp", "X-Webhook-Signature")
_RECEIVED = ("Location", "ETag")


class Visit:
    """The people that journeys are made with; they stay signed in, and in the chat, for the journeys that follow.

    Each line for people to read goes to ``show``.
    """

    def __init__(self, stack: Stack, show: Callable[[str], None]) -> None:
        self.stack = stack
        self.visitor, self.customer, self.other = (ApiClient(stack.url) for _ in range(3))
        self.chats: dict[str, Chat] = {}
        self.inbox: dict[str, queue.SimpleQueue[Frame]] = {}
        self.steps = 0
        self._show = show

    def close(self) -> None:
        """Leave the chat."""
        for chat in self.chats.values():
            chat.close()

    def step(self, title: str, answered_by: str) -> None:
        """Begin a step: what somebody does, and which parts of the shop answer."""
        self.steps += 1
        self._show("")
        self._show(styled(f"{self.steps}. {title}", "bold"))
        self._show(styled(f"   answered by: {answered_by}", "dim"))

    def sent(self, text: str) -> None:
        """Show something that is sent."""
        self._show(f"   {styled('>', 'cyan')} {text}")

    def received(self, text: str) -> None:
        """Show something that comes back."""
        self._show(f"   {styled('<', 'cyan')} {text}")

    def require(self, condition: object, expectation: str) -> None:
        """End the journey with a ``Problem`` unless a condition holds."""
        if not condition:
            raise Problem(f"the tour expects {expectation}: see storefront logs")

    def expect(self, status: int, response: requests.Response) -> requests.Response:
        """Show a request with its answer, and require the answer's status."""
        request = response.request
        sent = f"{request.method} {str(request.url).removeprefix(self.stack.url)}"
        self.sent(sent)
        for name in filter(request.headers.__contains__, _SENT):
            value = request.headers[name]
            self.sent(f"{name}: {abbreviated(value) if name == 'Authorization' else value}")
        if request.body:
            self.sent(request.body.decode() if isinstance(request.body, bytes) else request.body)
        colour = "green" if response.status_code == status else "red"
        self.received(styled(f"{response.status_code} {printable(response.reason)}", colour))
        for name in filter(response.headers.__contains__, _RECEIVED):
            self.received(f"{name}: {printable(response.headers[name])}")
        text = response.text
        with suppress(ValueError):
            text = json.dumps(response.json(), indent=2, ensure_ascii=False)
        lines = text.splitlines()
        for line in lines[:_SHOWN_LINES]:
            self._show(f"     {printable(line)}")
        if len(lines) > _SHOWN_LINES:
            self._show(styled(f"     ... {len(lines) - _SHOWN_LINES} more lines", "dim"))
        self.require(response.status_code == status, f"{sent} answers {status}, not {response.status_code}")
        return response

    def watch(self, client: ApiClient, path: str, until: str = "") -> dict[str, Any]:
        """Show each status of an order, and require that it comes to one, or is settled."""
        started, shown = time.monotonic(), None
        awaited = {until} if until else SETTLED
        for order in client.states(path, SETTLED | awaited, _WAIT_SECONDS):
            if order.get("status") != shown:
                shown = order["status"]
                reason = f" ({order['rejectionReason']})" if "rejectionReason" in order else ""
                after = f"after {time.monotonic() - started:.1f} s"
                self.received(f"GET {path}: {styled(str(shown), 'bold')}{reason} {after}")
        self.require(shown in awaited, f"GET {path} to show {until or 'its end'} in {_WAIT_SECONDS} s, not {shown}")
        return order

    def open_chat(self, name: str, url: str) -> None:
        """Connect somebody to the chat."""
        self.inbox[name] = queue.SimpleQueue()
        self.chats[name] = Chat(url, self.inbox[name].put)

    def expect_refused(self, url: str) -> None:
        """Require that the chat refuses a ticket that has been used."""
        try:
            Chat(url, lambda _: None).close()
        except Refused as refused:
            self.received(f"the same ticket again: {refused.status}")
        else:
            self.require(False, "a used ticket to be refused")

    def ask(self, name: str, expect: str, action: str, **members: Any) -> Frame:
        """Send a frame, show it with its answer, and require the answer's event."""
        self.sent(f"{name}: {json.dumps({'action': action, **members})}")
        answer = self.chats[name].request(action, **members)
        shown = {member: value for member, value in answer.items() if member != "requestId"}
        self.received(f"{name}: {json.dumps(shown, ensure_ascii=False)}")
        self.require(answer.get("event") == expect, f"{action} to be answered with {expect}")
        return answer

    def hear(self, name: str, **members: Any) -> None:
        """Wait until somebody hears a frame with these members, and show it."""
        deadline = time.monotonic() + _WAIT_SECONDS
        frame: Frame = {}
        with suppress(queue.Empty):
            while not members.items() <= frame.items():
                frame = self.inbox[name].get(timeout=max(0, deadline - time.monotonic()))
        self.require(members.items() <= frame.items(), f"{name} to hear {members} within {_WAIT_SECONDS} s")
        self.received(f"{name} hears: {json.dumps(frame, ensure_ascii=False)}")


def abbreviated(secret: str) -> str:
    """Return how a secret begins."""
    return f"{secret[:16]}..."
