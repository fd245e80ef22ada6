"""One cold start: a fresh process under Lambda's runtime client, from its start to its first answer."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.process import Runnable, running
from tools.bench.shop import check_went_well
from tools.console import Problem
from tools.environments import BENCH

_TIMEOUT_SECONDS = 60
_IMPORT = (
    "import sys, importlib; from botocore.session import Session; Session.create_client = lambda *_, **__: None; "
    "importlib.import_module(sys.argv[1])"
)
_IMPORT_TIME = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


@dataclass(frozen=True)
class ColdStart:
    """A measured cold start, in milliseconds from the start of the process, and the most memory that it has had.

    ``init`` is until it asks for its first event, ``total`` until its answer is there; without an event it is ``None``.
    """

    init: float
    total: float | None
    megabytes: float


def start(runnable: Runnable, event: Any, log: Path) -> ColdStart:
    """Start a function, and end it after its first answer, or where it asks for an event and there is none."""
    with running(runnable, log) as process:
        outcome = None
        if event is not None:
            process.give(event)
            outcome = process.outcome()
            check_went_well(runnable.function.name, outcome.answer)
        init = process.asked_at() - process.started_at
        total = outcome.at - process.started_at if outcome else None
        return ColdStart(init * 1000, total and total * 1000, process.peak_megabytes())


def import_milliseconds(runnable: Runnable) -> float:
    """Return how long a fresh process takes to import the package's modules that the handler needs, without clients.

    It is the sum of what ``python -X importtime`` says of each without those that it imports.
    """
    module = runnable.function.handler.rpartition(".")[0]
    ran = subprocess.run(
        [str(BENCH.python), "-X", "importtime", "-c", _IMPORT, module],
        cwd=runnable.package,
        env={**runnable.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise Problem(f"{runnable.function.name} cannot be imported: {ran.stderr.splitlines()[-1]}")
    shipped = {path.name.partition(".")[0] for path in runnable.package.iterdir()}
    times = _IMPORT_TIME.findall(ran.stderr)
    return sum(int(microseconds) for microseconds, name in times if name.partition(".")[0] in shipped) / 1000
