"""A process that runs one function's handler on events: ``python worker.py``, with the environment of the function.

Each line of its standard input is an event; each line of its answers, written where its standard output was, says what
has come of it. What the function prints and logs goes to its standard error.

What the function sends to others (messages, bus events, frames, verdicts for CodeDeploy) is seen by botocore's events,
and stops there: the stack's own consumers would act on it at the same time as the next case, and leave dead letters
behind; the connections of the events were never opened; and CodeDeploy is not part of the stack. Whether the function's
role may send is asked of the stack beforehand (``REPLAY_DENIED``).
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from storefront.shared.aws import session

# What an error frame of the chat names is the invocation: events/ has this one.
_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


class TimedOut(BaseException):
    """The function took longer than Lambda would let it; no handler's ``except Exception`` stops this."""


class Context:
    """What Lambda tells a function about an invocation."""

    def __init__(self) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.memory_limit_in_mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.invoked_function_arn = os.environ["REPLAY_FUNCTION_ARN"]
        self.aws_request_id = _REQUEST_ID
        self._ends_at = time.monotonic() + _timeout()

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        return int((self._ends_at - time.monotonic()) * 1000)


class Outbox:
    """Takes what the function sends, and answers it as AWS does."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._denied = set(json.loads(os.environ["REPLAY_DENIED"]))
        self._release = json.loads(os.environ["REPLAY_RELEASE"])

    def watch(self, session: Any) -> None:
        """Be told of every request that the session's clients are about to send."""
        session.register("before-send", self._before_send)

    def _before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        """Return the answer to a request that stops here; any other goes on to the stack."""
        operation = event_name.rpartition(".")[2]
        if operation in self._denied:
            return _response(request, 403, {"__type": "AccessDeniedException", "message": f"{operation} is denied"})
        body = request.body
        match operation:
            case "SendMessage":
                self.sent.append({"queue": json.loads(body)["MessageBody"]})
                return _response(request, 200, {"MessageId": _REQUEST_ID})
            case "PutEvents":
                entries = json.loads(body)["Entries"]
                self.sent += [{"event": entry["DetailType"], "detail": entry["Detail"]} for entry in entries]
                return _response(request, 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}] * len(entries)})
            case "PostToConnection":
                connection = unquote(urlsplit(request.url).path.rpartition("/")[2])
                self.sent.append({"post": connection, "frame": body.decode()})
                return _response(request, 200, {})
        return self._as_code_deploy(operation, request)

    def _as_code_deploy(self, operation: str, request: Any) -> AWSResponse | None:
        """Answer a release hook: there is one deployment, and it releases the function that it is told of."""
        asked = json.loads(request.body) if operation in _CODE_DEPLOY else {}
        match operation:
            case "PutLifecycleEventHookExecutionStatus":
                self.sent.append({"verdict": asked["status"]})
                return _response(request, 200, {})
            case "GetDeployment" if asked["deploymentId"] == self._release["deployment"]:
                deployment = {"applicationName": "shop", "revision": _REVISION}
                return _response(request, 200, {"deploymentInfo": deployment})
            case "GetApplicationRevision":
                properties = {"Name": self._release["function"], "TargetVersion": self._release["version"]}
                content = json.dumps({"version": 0.0, "Resources": [{"released": {"Properties": properties}}]})
                revision = {**_REVISION, "appSpecContent": {**_REVISION["appSpecContent"], "content": content}}
                return _response(request, 200, {"applicationName": "shop", "revision": revision})
            case "GetDeployment":
                return _response(request, 400, {"__type": "DeploymentDoesNotExistException", "message": "unknown"})
        return None


_CODE_DEPLOY = ("PutLifecycleEventHookExecutionStatus", "GetDeployment", "GetApplicationRevision")
_REVISION: dict[str, Any] = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "a hash"}}


class _Body:
    """The body of an answer, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self._content


def _response(request: Any, status: int, body: dict[str, Any]) -> AWSResponse:
    headers = HTTPHeaders()
    headers["x-amzn-requestid"] = _REQUEST_ID
    return AWSResponse(request.url, status, headers, _Body(json.dumps(body).encode()))


def _timeout() -> float:
    return float(os.environ["REPLAY_TIMEOUT"])


@contextmanager
def _limited() -> Iterator[None]:
    """End what takes longer than the function's timeout."""

    def give_up(*_: Any) -> None:
        raise TimedOut(f"Task timed out after {_timeout():.2f} seconds")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _timeout())
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _invoke(handler: Any, event: Any) -> Any:
    """Return a function's answer; of an error, what Lambda tells of it."""
    try:
        with _limited():
            return handler(event, Context())
    except (Exception, TimedOut) as error:
        traceback.print_exc()
        return {"errorMessage": str(error), "errorType": type(error).__name__}


def _handler() -> Any:
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    return getattr(importlib.import_module(module), name)


def main() -> None:
    """Answer each event with a line, until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    outbox = Outbox()
    # Before the handler's module makes its clients.
    outbox.watch(session())
    handler = _handler()
    for line in sys.stdin:
        outbox.sent.clear()
        answer = _invoke(handler, json.loads(line))
        sys.stdout.flush()
        answers.write(json.dumps({"answer": answer, "sends": outbox.sent}) + "\n")


if __name__ == "__main__":
    main()
