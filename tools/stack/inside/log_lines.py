"""A function's log lines without waiting for them.

The emulator waits 50 ms after each call for a first line on the function's standard error, and reads on until none has
come for 5 ms. Here the function's process writes a mark behind the lines of each call, before it answers: all lines up
to the mark are those of the call, and there is nothing to wait for.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

MARK = "\x1e the call's last line \x1e"
_ANSWERS = (
    '_real_stdout.write(json.dumps({"status": "ok"',
    '_real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace"',
)
_PATIENCE_SECONDS = 2.0
_GLANCE_SECONDS = 0.005


def with_end_marks(script: str) -> str:
    """Return the program of a function's process, which then writes the mark before each answer.

    Raises
    ------
    ValueError
        If the program does not answer where it is expected to.
    """
    for answer in _ANSWERS:
        if script.count(answer) != 1:
            raise ValueError(f"the emulator's worker script does not answer once by {answer}")
        script = script.replace(answer, f"print({MARK!r}, file=sys.stderr, flush=True); {answer}")
    return script


def until_end_mark(drain: Callable[..., str]) -> Callable[..., str]:
    """Take lines until the mark; only Python's functions write one, so others are waited for as the emulator does."""

    def drain_stderr(worker: Any, *arguments: Any, **options: Any) -> str:
        if not str(worker.config.get("Runtime", "python")).startswith("python"):
            return drain(worker, *arguments, **options)
        lines: list[str] = []
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                line: str = worker._stderr_queue.get(timeout=_GLANCE_SECONDS)
            except queue.Empty:
                if worker._stderr_thread is None or not worker._stderr_thread.is_alive():
                    break  # the process has ended without a mark
                continue
            if line.endswith(MARK):
                return "\n".join([*lines, *filter(None, [line.removesuffix(MARK)])])
            lines.append(line)
        return "\n".join([*lines, *_rest(worker)])

    return drain_stderr


def _rest(worker: Any) -> list[str]:
    lines: list[str] = []
    while not worker._stderr_queue.empty():
        lines.append(worker._stderr_queue.get_nowait())
    return lines
