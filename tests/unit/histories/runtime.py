"""Where the functions run: on services and a clock in memory, and under the eyes of the invariant."""

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, ReadTimeoutError

from storefront.orders.schedule import Schedule
from storefront.payments.charge import PaymentUnresolved
from storefront.shared import clock, faults
from storefront.shared.errors import Overloaded
from tests.unit.histories.process import Fates, Process
from tests.unit.histories.services import Bus, DynamoDB, Payments, Queues, operation_of

# A function may report as a failure only what has been done to it.
_EXPECTED = (ReadTimeoutError, Overloaded, PaymentUnresolved)
_INJECTED = {"ThrottlingException", "InternalServerError", "TransactionConflictException"}

_SETTINGS = {"GetParameter": {"Parameter": {"Value": "https://payments"}}, "GetSecretValue": {"SecretString": "-"}}


class Runtime:
    """Services, clock, and the functions that run or are held.

    Parameters
    ----------
    looks
        How often the reconciler looks at an order before it gives up: fewer than in production, so that a history can
        be short.
    """

    def __init__(self, looks: int) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)
        self.dynamodb, self.queues, self.bus, self.payments = DynamoDB(), Queues(), Bus(), Payments()
        self.held: list[Process] = []
        self.index_lag = 0
        self._looks = looks
        self._running: Process
        self._failures: list[Exception] = []

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Let the functions find these services and this clock, and keep their output to themselves."""
        is_throttling = faults.is_throttling

        def note_failure(error: Exception) -> bool:
            self._failures.append(error)
            return is_throttling(error)

        with (
            mock.patch("botocore.client.BaseClient._make_api_call", self._call_aws()),
            mock.patch("requests.Session.request", self._call_provider()),
            mock.patch("time.sleep", lambda seconds: None),
            mock.patch.object(clock, "now", lambda: self.now),
            mock.patch.object(Schedule, "LOOKS", self._looks),
            mock.patch.object(faults, "is_throttling", note_failure),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            logging.disable()
            try:
                yield
            finally:
                logging.disable(logging.NOTSET)
                self.kill_held()

    def start(
        self, function: Callable[[], Any], fates: Fates, ended: Callable[[Any], None] = lambda answer: None
    ) -> None:
        """Start a function, whose end `ended` is told."""
        self._run(Process(function, ended), fates)

    def go_on(self, number: int, fates: Fates) -> None:
        """A function that is held goes on."""
        if self.held:
            self._run(self.held.pop(number % len(self.held)), fates)

    def kill_held(self) -> None:
        """Kill the functions that are held."""
        while self.held:
            self.held.pop().kill()

    def _run(self, process: Process, fates: Fates) -> None:
        self._running = process
        if not process.go_on(fates):
            self.held.append(process)
        if process.failure:
            self._failures.append(process.failure)
        while self._failures:
            _check_was_injected(self._failures.pop())

    def _call_aws(self) -> Callable[..., Any]:
        services = {"dynamodb": self.dynamodb, "sqs": self.queues, "events": self.bus}

        def call(client: Any, operation: str, parameters: Any) -> Any:
            if operation in _SETTINGS:
                return _SETTINGS[operation]
            # An index is behind its table, now more, now less: that is all that happens to its queries.
            if operation == "Query":
                return self.dynamodb.perform(operation, parameters, self.index_lag)
            return self._running.call(services[client.meta.service_model.service_name], operation, parameters)

        return call

    def _call_provider(self) -> Callable[..., Any]:
        def call(session: Any, method: str, url: str, **parameters: Any) -> Any:
            return self._running.call(self.payments, operation_of(method, url), parameters)

        return call


def _check_was_injected(failure: Exception) -> None:
    injected = isinstance(failure, ClientError) and failure.response["Error"]["Code"] in _INJECTED
    if not injected and not isinstance(failure, _EXPECTED):
        raise failure
