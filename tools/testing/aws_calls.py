"""Every call to AWS that this process makes, seen and answered through botocore's public events.

`botocore.register_initializer` prepares each new session, and each client takes the event handlers of its session: the
functions' clients, boto3's and moto's. Handlers of functions make their clients at import, so import this module first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.session import Session

Json = dict[str, Any]

_ANSWER = "storefront-answer"


@dataclass(frozen=True)
class AwsCall:
    """A call as its caller makes it, before botocore checks or sends anything.

    Attributes
    ----------
    service
        The service as boto3 names it, such as `dynamodb`.
    operation
        The operation as the API names it, such as `PutItem`.
    parameters
        The arguments of the call. A listener may change them.
    """

    service: str
    operation: str
    parameters: Json


# A listener returns the answer, raises the error that the caller gets, or leaves the call (`None`) to the next one.
Listener = Callable[[AwsCall], Json | None]
Listen = Callable[[Listener], None]

_recorders: list[Callable[[AwsCall], None]] = []
_listeners: list[Listener] = []
_attempts: list[Callable[[str], None]] = []


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Let a listener hear each call of a block; the one that came last hears it first."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def record_calls(recorder: Callable[[AwsCall], None]) -> None:
    """Show each call to a recorder, for as long as this process lives, before any listener answers it."""
    _recorders.append(recorder)


def record_attempts(recorder: Callable[[str], None]) -> None:
    """Name the operation of each request to a recorder: a call that is retried makes several requests."""
    _attempts.append(recorder)


def _made(params: Json, model: Any, context: Json, **_: Any) -> None:
    # A URL that is signed for somebody else is not a call.
    if context.get("is_presign_request"):
        return
    call = AwsCall(model.service_model.service_name, model.name, params)
    for recorder in _recorders:
        recorder(call)
    for listener in reversed(_listeners):
        answer = listener(call)
        if answer is not None:
            context[_ANSWER] = answer
            return


def _answered(context: Json, **_: Any) -> tuple[AWSResponse, Json] | None:
    if _ANSWER not in context:
        return None
    return AWSResponse("", 200, HTTPHeaders(), None), context.pop(_ANSWER)


def _requested(operation_name: str, **_: Any) -> None:
    for recorder in _attempts:
        recorder(operation_name)


def _listen(session: Session) -> None:
    events = session.get_component("event_emitter")
    events.register_first("provide-client-params", _made)
    events.register_first("before-call", _answered)
    events.register("request-created", _requested)


botocore.register_initializer(_listen)
