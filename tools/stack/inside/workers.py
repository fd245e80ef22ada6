"""A function's processes: a call waits for a busy one before it starts another.

The emulator starts a process for every call that finds none free. A burst of calls on a stack that has just started
then starts as many processes as there are clients, and on a small machine none of them gets ready in time. On AWS these
would be execution environments on as many machines.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime

# So many are started at once. A function that waits for others, and not for this machine, gets more, one by one.
ENOUGH = max(2, os.cpu_count() or 1)
_PATIENCE_SECONDS = 1.0
_LONGEST_SECONDS = 20.0
_released = threading.Condition()


def waiting_for_a_free_one(acquire: Callable[..., Any]) -> Callable[..., Any]:
    """Start a further process of a function only when none becomes free for a while, and none is being started."""

    def acquire_worker(name: str, config: dict[str, Any], *rest: Any, **options: Any) -> Any:
        key = lambda_runtime._worker_key(name, config, options.get("qualifier", "$LATEST"))
        begun = time.monotonic()
        with _released:
            while (waited := time.monotonic() - begun) < _LONGEST_SECONDS:
                free, starting = _state(key)
                if free or (not starting and waited > _PATIENCE_SECONDS):
                    break
                _released.wait(_PATIENCE_SECONDS / 4)
            return acquire(name, config, *rest, **options)

    return acquire_worker


def told_to_the_waiting(release: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wake the calls that wait when a process becomes free."""

    def release_worker(worker: Any) -> None:
        release(worker)
        with _released:
            _released.notify_all()

    return release_worker


def _state(key: str) -> tuple[bool, bool]:
    """Whether a call can go on (to a free process, or to one of the first few), and whether one is being started."""
    with lambda_runtime._lock:
        workers = list(lambda_runtime._workers.get(key, []))
    free = len(workers) < ENOUGH or any(not worker.in_use for worker in workers)
    return free, any(worker._start_time is None for worker in workers)
