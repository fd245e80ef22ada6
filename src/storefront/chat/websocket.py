"""The common part of all WebSocket handlers: read a frame, answer it, refuse in one shape.

The event: "Set up a WebSocket API integration request in API Gateway", Amazon API Gateway Developer Guide. A handler's
return value tells the gateway whether `$connect` is let in; on every other route nobody sees it, so answers are posted.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.chat import frame
from storefront.chat.broadcast import Gateway, Outcome, count, deliver
from storefront.chat.connection import MAX_FRAME_BYTES, Connection, Recipient, connection_of
from storefront.chat.connection_store import ConnectionStore
from storefront.shared import clock
from storefront.shared.errors import InvalidRequest, Refusal, TooLarge, TooManyRequests
from storefront.shared.faults import count_fault_in, is_overload
from storefront.shared.observability import logger, metrics
from storefront.shared.problem import STATUS_OF_REFUSAL, UNEXPECTED, problem

Event = dict[str, Any]
Answer = dict[str, int]
Handler = Callable[[Event, LambdaContext], Answer]
Asked = TypeVar("Asked")

# Three calls that end soon or not at all: with less of an invocation left, a connection that is gone is left to the
# next.
LAST_CLEANUP_MILLISECONDS = 2_000

_BUSY = "The chat is busy. Send the same frame again in a moment; with the same `clientId` it is safe."


@dataclass(frozen=True, slots=True)
class Exchange(Generic[Asked]):
    """A frame that has come in, and the way to answer it.

    Parameters
    ----------
    request
        The request in the frame.
    connection
        The connection it came from.
    answer
        Sends the answer. The caller does not learn of a later failure.
    remaining_milliseconds
        Tells how long this invocation may still take.
    """

    request: Asked
    connection: Connection
    answer: Callable[[frame.Frame], None]
    remaining_milliseconds: Callable[[], int]


def connection_handler(connections: ConnectionStore) -> Callable[[Callable[[Event], None]], Handler]:
    """Make a function of an event the handler of `$connect` or `$disconnect`: a status, and nobody to write to.

    Parameters
    ----------
    connections
        Counts the frames that come this way.
    """

    def decorate(function: Callable[[Event], None]) -> Handler:
        @logger.inject_lambda_context(clear_state=True)
        @wraps(function)
        def handler(event: Event, context: LambdaContext) -> Answer:
            _begin_log(event)
            try:
                if event["requestContext"]["eventType"] == "MESSAGE":
                    return _refuse_silently(event, connections)
                function(event)
            except Exception as error:
                logger.exception("event failed")
                count_fault_in(error)
                return {"statusCode": int(_status_of_fault(error))}
            return {"statusCode": int(HTTPStatus.OK)}

        return handler

    return decorate


def _refuse_silently(event: Event, connections: ConnectionStore) -> Answer:
    """Count a frame whose action is `$connect` or `$disconnect`: it must not write what only the gateway knows.

    It gets no answer: the functions of these routes may not post, and no client of good will sends one. The status is
    that of any refused frame: another would count as an error of ours, and strangers could raise the alarm.
    """
    logger.warning("a frame named a route that is not for frames")
    with suppress(TooManyRequests):
        connections.count_frame(connection_of(event).customer_id, clock.now())
    return {"statusCode": int(HTTPStatus.OK)}


def websocket_handler(
    read: Callable[[bytes], Asked], connections: ConnectionStore, gateway: Gateway
) -> Callable[[Callable[[Exchange[Asked]], None]], Handler]:
    """Make a function of an exchange the handler of a route: ids in its logs, refusals as error frames.

    Any other exception is a fault of ours: it is logged with its traceback and answered with no detail of the
    inside. A frame that is refused counts as one, too.

    Parameters
    ----------
    read
        Returns what a frame asks for, or raises `InvalidRequest`.
    connections
        Counts the frames that are refused, and forgets connections that are gone.
    gateway
        Takes the answers.
    """

    def decorate(function: Callable[[Exchange[Asked]], None]) -> Handler:
        @logger.inject_lambda_context(clear_state=True)
        @metrics.log_metrics
        @wraps(function)
        def handler(event: Event, context: LambdaContext) -> Answer:
            _begin_log(event)
            desk = _Desk(event, context, connections, gateway)
            try:
                try:
                    function(Exchange(read(desk.body()), desk.connection, desk.answer, desk.remaining_milliseconds))
                except Refusal as refusal:
                    desk.refuse(refusal)
            except Exception as error:
                logger.exception("frame failed")
                count_fault_in(error)
                desk.apologise(error)
                return {"statusCode": int(HTTPStatus.INTERNAL_SERVER_ERROR)}
            return {"statusCode": int(HTTPStatus.OK)}

        return handler

    return decorate


class _Desk:
    """Where one frame is taken, answered or refused."""

    def __init__(self, event: Event, context: LambdaContext, connections: ConnectionStore, gateway: Gateway) -> None:
        self.connection = connection_of(event)
        self.remaining_milliseconds = context.get_remaining_time_in_millis
        self._connections = connections
        self._gateway = gateway
        self._text = event.get("body") or ""
        self._document = _document_in(self._text)
        # The gateway's id of the event is its extended request id ("WebSocket API mapping template reference for API
        # Gateway", Amazon API Gateway Developer Guide), which is not a UUID. The invocation's id is one; each log line
        # has it.
        self._instance = context.aws_request_id
        self._answered = False

    def body(self) -> bytes:
        """Return the frame.

        Raises
        ------
        TooLarge
            It exceeds the size that the chat accepts.
        InvalidRequest
            It is not a JSON object.
        """
        body = self._text.encode(errors="replace")
        if len(body) > MAX_FRAME_BYTES:
            raise TooLarge(f"The frame is too large. Send at most {MAX_FRAME_BYTES} bytes, as UTF-8 and not escaped.")
        if self._document is None:
            raise InvalidRequest('The frame is not a JSON object. Send one such as {"action":"ping","requestId":"1"}.')
        return body

    def answer(self, answer: frame.Frame) -> None:
        """Send the answer; where nobody is there to read it, there is nothing left to do."""
        self._answered = True
        outcome = deliver(answer, Recipient(self.connection.id), self._gateway, self._connections.close, self._has_time)
        if outcome is not Outcome.DELIVERED:
            count({outcome: 1})

    def refuse(self, refusal: Refusal) -> None:
        """Count the frame, which nothing was written for, and send an error frame."""
        if not isinstance(refusal, TooManyRequests):
            try:
                self._connections.count_frame(self.connection.customer_id, clock.now())
            except TooManyRequests as too_many:
                refusal = too_many
        logger.info("refused", extra={"refusal": type(refusal).__name__})
        self._send_error(STATUS_OF_REFUSAL[type(refusal)], refusal.detail)

    def apologise(self, error: Exception) -> None:
        """Send an error frame that reveals no internals."""
        if not self._answered:
            status = _status_of_fault(error)
            self._send_error(status, _BUSY if status is HTTPStatus.SERVICE_UNAVAILABLE else UNEXPECTED)

    def _has_time(self) -> bool:
        return self.remaining_milliseconds() > LAST_CLEANUP_MILLISECONDS

    def _send_error(self, status: HTTPStatus, detail: str) -> None:
        request_id = (self._document or {}).get("requestId")
        known = isinstance(request_id, str) and re.fullmatch(frame.REQUEST_ID_PATTERN[1:-1], request_id)
        self.answer(frame.error(request_id if known else None, problem(status, detail, self._instance)))


def _begin_log(event: Event) -> None:
    logger.set_correlation_id(event["requestContext"]["requestId"])
    logger.append_keys(connection_id=event["requestContext"]["connectionId"])


def _document_in(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    # Brackets in brackets, without end.
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _status_of_fault(error: Exception) -> HTTPStatus:
    return HTTPStatus.SERVICE_UNAVAILABLE if is_overload(error) else HTTPStatus.INTERNAL_SERVER_ERROR
