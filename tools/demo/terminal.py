"""The terminal of somebody who chats: lines that are typed, and lines that come in meanwhile."""

import sys
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storefront.shared.text import printable
from tools.console import IS_TERMINAL, say, styled

# Importing it gives lines that can be edited, where there is a terminal; not every Python has it.
try:
    import readline
except ImportError:
    readline = None  # type: ignore[assignment]

_PROMPT = "> "
_STAFF = "staff "
_typing = threading.Event()  # set while the prompt is on the screen


def typed() -> str:
    """Return the next line; at the end of the input, raise ``EOFError``."""
    if not _is_interactive():
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.strip()
    _typing.set()
    try:
        line = input(_PROMPT).strip()
    finally:
        _typing.clear()
    # All lines come from the server, one's own too: what was typed makes room for it.
    print("\033[A\r\033[K", end="", flush=True)
    return line


def show(line: str) -> None:
    """Show a line above the one that is being typed."""
    if _is_interactive():
        half_typed = readline.get_line_buffer() if readline else ""
        prompt = f"{_PROMPT}{half_typed}" if _typing.is_set() else ""
        print(f"\r\033[K{line}\n{prompt}", end="", flush=True)
    else:
        say(line)


def as_line(frame: Mapping[str, Any]) -> str:
    """Return a frame of the chat as a person reads it."""
    match frame:
        case {"event": "message", "room": room, "sender": sender, "text": text, "sentAt": sent_at}:
            is_staff = sender["group"] == "support"
            name = styled(printable(sender["name"]), "green" if is_staff else "cyan")
            # Before anything that others have written.
            mark = styled(_STAFF, "green") if is_staff else ""
            return f"{mark}{_clock(sent_at)} [{printable(room)}] {name}: {printable(text)}"
        case {"event": "orderStatus", "orderId": order_id, "status": status, "occurredAt": occurred_at}:
            reason = f" ({printable(frame['rejectionReason'])})" if frame.get("rejectionReason") else ""
            return f"{_clock(occurred_at)} order {printable(order_id)} is {styled(printable(status), 'bold')}{reason}"
        case {"event": "error", "status": status, "title": title, "detail": detail}:
            return styled(f"error {printable(status)} {printable(title)}: {printable(detail)}", "red")
        case _:
            # The gateway's own words, such as when no function could be called.
            return styled(printable(frame), "yellow")


def _is_interactive() -> bool:
    return IS_TERMINAL and sys.stdin.isatty()


def _clock(time_text: str) -> str:
    return styled(datetime.fromisoformat(time_text).astimezone().strftime("%H:%M:%S"), "dim")
