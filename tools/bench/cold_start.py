"""One cold start: a fresh process under Lambda's runtime client, from its start to its first answer."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.good_events import check_went_well
from tools.bench.runtime_api import Invocation, RuntimeApi, serving
from tools.bench.workers import Runnable
from tools.console import Problem
from tools.environments import BENCH

_TIMEOUT_SECONDS = 60
_ERROR_LINES = 5
# Makes clients cost nothing: what is timed is the import of what is shipped, and AWS's SDK is not.
_IMPORT = (
    "import sys, importlib; from botocore.session import Session; Session.create_client = lambda *_, **__: None; "
    "importlib.import_module(sys.argv[1])"
)
_IMPORT_TIME = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


@dataclass(frozen=True)
class ColdStart:
    """What a cold start has taken.

    Attributes
    ----------
    init
        Milliseconds from the start of the process until it asks for its first event: Python, the runtime client, the
        handler's module with all it imports, and its clients.
    total
        Milliseconds until its answer is there; ``None`` where it was given no event.
    megabytes
        The most memory that the process has had until then.
    """

    init: float
    total: float | None
    megabytes: float


def start(runnable: Runnable, event: Any, log: Path) -> ColdStart:
    """Start a function, and end it after its first answer.

    Parameters
    ----------
    event
        What it is called with; ``None`` to end it where it asks for an event.
    log
        Where what it prints goes.

    Raises
    ------
    Problem
        It cannot be imported, raises, refuses the event, or does not answer.
    """
    function = runnable.function
    invocation = Invocation(event, function.timeout, function.arn) if event is not None else None
    with serving(invocation) as api, log.open("w") as output:
        environment = {
            **runnable.environment,
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": str(runnable.package),
            # As in Lambda, where the package cannot be written to: nothing is compiled for the next start.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [str(BENCH.python), "-m", "awslambdaric", function.handler]
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=runnable.package, env=environment, stdout=output, stderr=output)
        try:
            _wait(api, process)
            megabytes = _peak_megabytes(process.pid)
        finally:
            process.kill()
            process.wait()
    if api.error:
        raise Problem(f"{function.name} fails: {api.error['errorType']}: {api.error['errorMessage']}")
    if not api.asked_at or (invocation and not api.answered_at):
        last = " ".join(log.read_text(errors="replace").splitlines()[-_ERROR_LINES:])
        raise Problem(f"{function.name} ends, or hangs, without an answer: {last or 'it has printed nothing'}")
    check_went_well(function.name, api.answer)
    total = (api.answered_at - started) * 1000 if api.answered_at else None
    return ColdStart((api.asked_at - started) * 1000, total, megabytes)


def import_milliseconds(runnable: Runnable) -> float:
    """Return how long the import of what is shipped takes in a fresh process: of that, what the handler imports.

    It is the sum of what ``python -X importtime`` says of the modules that come from the package, each without those
    that it imports. Clients of AWS are not made meanwhile: they are the SDK's, and bytecode makes them no faster.

    Raises
    ------
    Problem
        It cannot be imported.
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


def _wait(api: RuntimeApi, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    # The times are taken where the requests arrive, so it does not matter how often this looks.
    while not api.ended.wait(0.05) and process.poll() is None and time.monotonic() < deadline:
        pass


def _peak_megabytes(process_id: int) -> float:
    """Return the most memory that a process has had since it was started.

    What ``wait4`` says would count the benchmark as well, whose memory the process shares until it runs a program of
    its own ("proc_pid_status(5)", "getrusage(2)", Linux manual pages: VmHWM, ru_maxrss).
    """
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except FileNotFoundError:
        return 0
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    # The kernel counts in 1,024 bytes; the report has one kind of megabyte.
    return int(peak[1]) * 1024 / 1e6 if peak else 0
