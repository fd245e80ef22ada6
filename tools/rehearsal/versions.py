"""Versions of one function on the local stack."""

import base64
import io
import json
import time
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from storefront.shared.http import session
from tools.console import Problem
from tools.stack.functions import deployed
from tools.stack.stack import Stack

ALIAS = "live"


class Change(StrEnum):
    """The difference between the new version and the current one."""

    GOOD = "good"
    FAILS = "1"
    DOES_NOT_IMPORT = "import"
    ANSWERS_WRONGLY = "answer"
    FAILS_EVERY_MESSAGE = "message"


# Each is added at the end of the handler's module.
_ADDED = {
    Change.GOOD: "\n# The new version.\n",
    Change.DOES_NOT_IMPORT: "\nimport a_module_that_nobody_has_installed\n",
    Change.ANSWERS_WRONGLY: """


def handler(event, context):
    return {"answer": "wrong"}
""",
    # For a queue's consumer; the message comes again at once, so that it is a dead letter within seconds.
    Change.FAILS_EVERY_MESSAGE: """

def _with_a_bug(record):
    raise RuntimeError("the new version has a bug")


_consumer._work, _consumer._retry_seconds = _with_a_bug, 0
""",
    # Every fifth request, counted over all the function's processes: by the length of a file. It fails inside of
    # rest_handler, which answers a failure with 500: Lambda takes that for a success, and the function counts a fault.
    Change.FAILS: """

_without_fault = handler
if "rest_handler" in globals():
    while hasattr(_without_fault, "__wrapped__"):
        _without_fault = _without_fault.__wrapped__


def handler(event, context):
    import os, tempfile

    name = f"{context.function_name}-{os.environ.get('AWS_LAMBDA_FUNCTION_VERSION', '')}.requests"
    with open(os.path.join(tempfile.gettempdir(), name), "ab", buffering=0) as requests:
        requests.write(b".")
        count = requests.tell()
    if count % 5 == 0:
        raise RuntimeError("the new version fails for one request in five")
    return _without_fault(event, context)


if "rest_handler" in globals():
    handler = rest_handler(handler)
""",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation: whether it is one of Lambda's `Errors`, and how many `Faults` the function has counted."""

    milliseconds: float
    error: bool
    faults: int
    answer: Any

    @property
    def failed(self) -> bool:
        """Whether Lambda or the function counts it as a failure, whatever the answer."""
        return self.error or self.faults > 0


class Versions:
    """Makes, calls and chooses versions of a function, by its name in `events/`; a `Problem` if there is none."""

    def __init__(self, stack: Stack, function: str) -> None:
        self._lambda = stack.client("lambda")
        found = deployed(stack).get(function)
        if found is None:
            raise Problem(f"no function is called {function}: take the name of a folder in events/")
        self.resource = found.logical_id
        self.name = found.arn.rpartition(":")[2]
        self.handler = found.handler
        self.current = self.live()

    def live(self) -> str:
        """Return the version that the alias points to."""
        version: str = self._lambda.get_alias(FunctionName=self.name, Name=ALIAS)["FunctionVersion"]
        return version

    def point_to(self, version: str) -> None:
        """Give a version all traffic."""
        self._lambda.update_alias(FunctionName=self.name, Name=ALIAS, FunctionVersion=version)

    def delete(self, version: str) -> None:
        """Delete a version to which no alias points."""
        self._lambda.delete_function(FunctionName=self.name, Qualifier=version)

    def publish(self, change: Change) -> str:
        """Publish a version with changed code, beside the alias, and return it."""
        location = self._lambda.get_function(FunctionName=self.name)["Code"]["Location"]
        before = session().get(location, timeout=30).content
        self._lambda.update_function_code(FunctionName=self.name, ZipFile=self._changed(before, change))
        try:
            version: str = self._lambda.publish_version(FunctionName=self.name)["Version"]
        finally:
            # The next deployment finds the code of the one before.
            self._lambda.update_function_code(FunctionName=self.name, ZipFile=before)
        return version

    def invoke(self, version: str, event: Any) -> Call:
        """Call a version."""
        return self.call(self.name, event, version)

    def call(self, function: str, event: Any, version: str = "$LATEST") -> Call:
        """Call any function."""
        started = time.monotonic()
        response = self._lambda.invoke(
            FunctionName=function, Qualifier=version, Payload=json.dumps(event).encode(), LogType="Tail"
        )
        milliseconds = (time.monotonic() - started) * 1000
        faults = _faults_in(base64.b64decode(response.get("LogResult", "")).decode(errors="replace"))
        return Call(milliseconds, "FunctionError" in response, faults, json.loads(response["Payload"].read()))

    def _changed(self, archive: bytes, change: Change) -> bytes:
        path = self.handler.rpartition(".")[0].replace(".", "/") + ".py"
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(changed, "w") as target:
            for entry in source.infolist():
                content = source.read(entry)
                target.writestr(entry, content + _ADDED[change].encode() if entry.filename == path else content)
        return changed.getvalue()


def _faults_in(log: str) -> int:
    """Return the faults that an invocation has logged in the embedded metric format, as CloudWatch reads them."""
    lines = [line[line.index("{") :] for line in log.splitlines() if '"Faults"' in line and "{" in line]
    return sum(json.loads(line)["Faults"] for line in lines)
