"""Functions to measure: a package of a few lines, and what runs it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.bench import process
from tools.bench.cold import start
from tools.bench.process import Runnable
from tools.environments import BENCH
from tools.stack.functions import Function

# Plays Lambda's runtime client where it is not installed (`make bench` installs it).
_FAKE_RUNTIME = """
import http.client, importlib, json, os, sys, time

def call(method, path, content=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, "/2018-06-01/runtime/" + path, content)
    answer = connection.getresponse()
    return answer.headers, answer.read()

class Context:
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]

    def __init__(self, headers):
        self._ends = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return self._ends - time.time() * 1000

def error(error):
    return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})

try:
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
except Exception as failure:
    call("POST", "init/error", error(failure))
    sys.exit(1)
while True:
    headers, event = call("GET", "invocation/next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        call("POST", f"invocation/{request_id}/response", json.dumps(handler(json.loads(event), Context(headers))))
    except Exception as failure:
        call("POST", f"invocation/{request_id}/error", error(failure))
"""

MakeFunction = Callable[..., Runnable]


@pytest.fixture
def make_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeFunction:
    """Returns a function of these lines; Lambda's runtime client runs it, or what plays it."""
    runtime = tmp_path / "runtime"
    python = BENCH.python
    if not python.exists():
        (runtime / "awslambdaric").mkdir(parents=True)
        (runtime / "awslambdaric" / "__main__.py").write_text(_FAKE_RUNTIME)
        python = Path(sys.executable)
        for module in (process, start):
            monkeypatch.setattr(module, "BENCH", SimpleNamespace(python=python))

    def make(code: str, **modules: str) -> Runnable:
        package = tmp_path / "package"
        package.mkdir(exist_ok=True)
        for name, text in {"app": code, **modules}.items():
            (package / f"{name}.py").write_text(text)
        environment = {
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "PYTHONPATH": str(runtime),
        }
        function = Function("a-function", "AFunction", "arn", "app.handler", 10, 512, "role", {})
        return Runnable(function, package, environment)

    return make
