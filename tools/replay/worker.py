"""A process that runs one function's handler on events, in the function's environment.

A line of its standard input is an event, a line of its standard output the answer with what the function has sent.
"""

import faulthandler
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

from storefront.shared.aws import session
from tools.rehearsal.code_deploy import Deployment, Refused

# An error frame of the chat names the invocation: events/ has this one.
_REQUEST_ID = "00000000-0000-0000-0000-000000000000"
_DEPLOYMENT = "d-EXAMPLE01"  # in the events of the hooks

Json = dict[str, Any]


class Outbox:
    """Takes what a function sends, and answers it as AWS does; CodeDeploy has one deployment, of a given version.

    It stops here: the stack's own consumers would act on it at the same time as the next case, and the connections of
    the events were never opened.
    """

    def __init__(self, function: str, version: str) -> None:
        self.sent: list[Json] = []
        self._deployment = Deployment(_DEPLOYMENT, function, version)

    def answer(self, operation: str, parameters: Json) -> Json | None:
        """Return the answer to a call that stops here (or raise CodeDeploy's ``Refused``), nothing for any other."""
        match operation:
            case "SendMessage":
                self.sent.append({"queue": parameters["MessageBody"]})
                return {"MessageId": "a-message"}
            case "PutEvents":
                entries = parameters["Entries"]
                self.sent += [{"event": entry["DetailType"], "detail": entry["Detail"]} for entry in entries]
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "an-event"} for _ in entries]}
            case "PostToConnection":
                self.sent.append({"post": parameters["ConnectionId"], "frame": parameters["Data"].decode()})
                return {}
            case "PutLifecycleEventHookExecutionStatus":
                self.sent.append({"verdict": parameters["status"]})
                return {}
            case "GetDeployment" | "GetApplicationRevision":
                return self._deployment.answer(operation, parameters)
        return None


class Context:
    """Lambda's context of an invocation."""

    def __init__(self, arn: str, timeout: float) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.memory_limit_in_mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.invoked_function_arn = arn
        self.aws_request_id = _REQUEST_ID
        self._ends_at = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        return int((self._ends_at - time.monotonic()) * 1000)


def _stop_at(outbox: Outbox, denied: Collection[str]) -> None:
    """Have the outbox answer the calls of all clients that are made from now on; refuse the denied operations.

    Whether the function's role may send was asked of the stack before: a call that stops here never gets there.
    """

    def remember(params: Any, context: Any, **_: Any) -> None:
        context["parameters"] = params

    def answer(model: Any, context: Any, **_: Any) -> tuple[Any, Any] | None:
        try:
            if model.name in denied:
                raise Refused("AccessDeniedException")  # noqa: TRY301 - as CodeDeploy's refusals
            answered = outbox.answer(model.name, context["parameters"])
        except Refused as refused:
            return SimpleNamespace(status_code=400), {"Error": {"Code": str(refused), "Message": model.name}}
        return None if answered is None else (SimpleNamespace(status_code=200), answered)

    clients: Any = session()
    clients.register("before-parameter-build", remember)
    clients.register("before-call", answer)


def _invoke(handler: Any, event: Any, context: Context) -> Any:
    """Return a function's answer; of an error, what Lambda tells of it."""
    try:
        return handler(event, context)
    except Exception as error:
        traceback.print_exc()
        return {"errorMessage": str(error), "errorType": type(error).__name__}


def main() -> None:
    """Answer each event with a line, until there are no more."""
    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    outbox = Outbox(**settings["release"])
    # Before the handler's module makes its clients.
    _stop_at(outbox, settings["denied"])
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        outbox.sent.clear()
        # It ends this process, with the reason in the log: Lambda would stop the function.
        faulthandler.dump_traceback_later(settings["timeout"], exit=True)
        answer = _invoke(handler, json.loads(line), Context(settings["arn"], settings["timeout"]))
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.flush()
        answers.write(json.dumps({"answer": answer, "sends": outbox.sent}) + "\n")


if __name__ == "__main__":
    main()
