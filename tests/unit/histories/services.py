"""The services that functions call: tables, queues, the event bus and the payment provider, in memory."""

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

import requests
from botocore.exceptions import ReadTimeoutError

from tests.support.dynamodb import Tables
from tests.support.faults import aws_error, transaction_cancelled
from tools.testing.events import sqs_record

# Queues, by the last part of their URL
ORDERS, PUT_ASIDE = "orders", "dead-letters"
PARTNER_ORDERS = "partner-orders"
DEAD_LETTERS = {ORDERS: "orders-dead-letters", PARTNER_ORDERS: "partner-orders-dead-letters"}
# Two instead of five: else a history would have to be long to have dead letters.
MAX_RECEIVES = 2


class _Aws:
    """Failures of calls to any AWS service."""

    lost: Exception = ReadTimeoutError(endpoint_url="https://aws")

    def perform(self, operation: str, parameters: Any, lag: int = 0) -> Any:
        raise NotImplementedError

    def refuse(self, operation: str, parameters: Any, *, conflict: bool) -> Any:
        raise aws_error("InternalServerError" if conflict else "ThrottlingException", operation)

    def repeat(self, operation: str, parameters: Any) -> Any:
        self.perform(operation, parameters)
        return self.perform(operation, parameters)

    def hollow(self, operation: str, parameters: Any) -> Any:
        return self.perform(operation, parameters)

    def contradict(self, operation: str, parameters: Any) -> Any:
        return self.perform(operation, parameters)


class DynamoDB(_Aws, Tables):
    def perform(self, operation: str, parameters: Any, lag: int = 0) -> Any:
        return Tables.perform(self, operation, parameters, lag)

    def refuse(self, operation: str, parameters: Any, *, conflict: bool) -> Any:
        if conflict and operation == "TransactWriteItems":
            raise transaction_cancelled("TransactionConflict", *["None"] * (len(parameters["TransactItems"]) - 1))
        if conflict and operation in ("PutItem", "UpdateItem"):
            raise aws_error("TransactionConflictException", operation)
        super().refuse(operation, parameters, conflict=conflict)

    def repeat(self, operation: str, parameters: Any) -> Any:
        # botocore gives a transaction a token, under which it is carried out once.
        if operation == "TransactWriteItems":
            return self.perform(operation, parameters)
        return super().repeat(operation, parameters)

    def hollow(self, operation: str, parameters: Any) -> Any:
        if operation == "BatchGetItem":
            return {"Responses": {}, "UnprocessedKeys": parameters["RequestItems"]}
        return super().hollow(operation, parameters)


@dataclass
class Message:
    """A message in a queue."""

    id: str
    body: str
    attributes: dict[str, Any]
    receives: int = 0

    @property
    def record(self) -> dict[str, Any]:
        """The record of an event that delivers it."""
        attributes = {name: {"stringValue": value["StringValue"]} for name, value in self.attributes.items()}
        record = sqs_record(self.body, receives=self.receives)
        return record | {"messageId": self.id, "receiptHandle": self.id, "messageAttributes": attributes}


class Queues(_Aws):
    """Queues: a message stays until somebody deletes it, and may be received again at any time."""

    def __init__(self) -> None:
        self.queues: dict[str, list[Message]] = {
            name: [] for name in (ORDERS, PARTNER_ORDERS, PUT_ASIDE, *DEAD_LETTERS.values())
        }
        self._sent = 0

    def perform(self, operation: str, parameters: Any, lag: int = 0) -> Any:
        name = parameters["QueueUrl"].rpartition("/")[2]
        if operation == "SendMessage":
            self.send(name, parameters["MessageBody"], parameters.get("MessageAttributes", {}))
        elif operation == "DeleteMessage":
            self.delete(name, [parameters["ReceiptHandle"]])
        else:
            assert operation == "ChangeMessageVisibility", operation
        return {}

    def send(self, name: str, body: str, attributes: dict[str, Any]) -> None:
        self._sent += 1
        self.queues[name].append(Message(f"message-{self._sent}", body, attributes))

    def delete(self, name: str, ids: list[str]) -> None:
        self.queues[name] = [message for message in self.queues[name] if message.id not in ids]

    def receive(self, name: str, first: int, count: int) -> list[dict[str, Any]]:
        """Return the records of some messages; those that have been received too often become dead letters."""
        messages = self.queues[name]
        start = first % len(messages) if messages else 0
        taken = (messages[start:] + messages[:start])[:count]
        for message in taken:
            message.receives += 1
        dead = [message for message in taken if message.receives > MAX_RECEIVES]
        self.queues[DEAD_LETTERS[name]] += dead
        self.delete(name, [message.id for message in dead])
        return [message.record for message in taken if message not in dead]


class Bus(_Aws):
    """The event bus, with all that was ever published."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def perform(self, operation: str, parameters: Any, lag: int = 0) -> Any:
        return self._take(parameters["Entries"], len(parameters["Entries"]))

    def hollow(self, operation: str, parameters: Any) -> Any:
        return self._take(parameters["Entries"], 0)

    def contradict(self, operation: str, parameters: Any) -> Any:
        return self._take(parameters["Entries"], len(parameters["Entries"]) // 2)

    def _take(self, entries: list[dict[str, Any]], count: int) -> dict[str, Any]:
        self.events += [(entry["DetailType"], json.loads(entry["Detail"])) for entry in entries[:count]]
        refused = [{"ErrorCode": "InternalFailure"}] * (len(entries) - count)
        return {"FailedEntryCount": len(refused), "Entries": [{"EventId": "id"}] * count + refused}


@dataclass
class Charge:
    """The payment provider's record of an idempotency key; cancelled without a charge, it has no amount."""

    id: str
    status: str
    request: dict[str, Any] = field(default_factory=dict)


class Payments:
    """The payment provider: one charge for each idempotency key. The amount's last digit decides, as in the sandbox."""

    lost: Exception = requests.ReadTimeout()
    _CODES: ClassVar = {"approved": HTTPStatus.OK, "pending": HTTPStatus.ACCEPTED}
    _CONTRADICTING: ClassVar = {HTTPStatus.OK: HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.NOT_FOUND: HTTPStatus.OK}

    def __init__(self) -> None:
        self.charges: dict[str, Charge] = {}
        self.events: list[dict[str, Any]] = []
        self._told = 0
        self._contradictions = 0

    def perform(self, operation: str, parameters: Any, lag: int = 0) -> requests.Response:
        key = parameters["headers"]["Idempotency-Key"]
        if operation == "charge":
            return self._charge(key, parameters["json"])
        if operation == "cancel":
            charge = self.charges.setdefault(key, Charge(f"ch-{key}", "cancelled"))
            charge.status = "cancelled"
            return _response(HTTPStatus.OK, charge)
        if key not in self.charges:
            return _response(HTTPStatus.NOT_FOUND)
        return _response(HTTPStatus.OK, self.charges[key])

    def decide(self, number: int, status: str) -> None:
        """Decide one of the charges that are pending, and tell so by an event."""
        charge = self.pending[number % len(self.pending)]
        charge.status = status
        self._tell(charge)

    @property
    def pending(self) -> list[Charge]:
        """The charges that are not decided."""
        return [charge for charge in self.charges.values() if charge.status == "pending"]

    def refuse(self, operation: str, parameters: Any, *, conflict: bool) -> requests.Response:
        return _response(HTTPStatus.INTERNAL_SERVER_ERROR if conflict else HTTPStatus.TOO_MANY_REQUESTS)

    def repeat(self, operation: str, parameters: Any) -> requests.Response:
        self.perform(operation, parameters)
        return self.perform(operation, parameters)

    def hollow(self, operation: str, parameters: Any) -> requests.Response:
        # Not from the provider: something on the way answers in its place.
        return _response(HTTPStatus.OK)

    def contradict(self, operation: str, parameters: Any) -> requests.Response:
        response = self.perform(operation, parameters)
        # Now the code is wrong, now the status. All statuses that are looked up come with one code.
        self._contradictions += 1
        if operation == "charge" and self._contradictions % 2:
            wrong = b"declined" if response.status_code == HTTPStatus.OK else b"approved"
            response._content = re.sub(b"approved|declined|pending|cancelled", wrong, response.content)
        else:
            response.status_code = self._CONTRADICTING.get(HTTPStatus(response.status_code), HTTPStatus.OK)
        return response

    def _charge(self, key: str, request: dict[str, Any]) -> requests.Response:
        if key not in self.charges:
            status = {1: "declined", 7: "pending"}.get(request["amount"] % 10, "approved")
            self.charges[key] = Charge(f"ch-{key}", status, request)
            self._tell(self.charges[key])
        charge = self.charges[key]
        return _response(self._CODES.get(charge.status, HTTPStatus.PAYMENT_REQUIRED), charge)

    def _tell(self, charge: Charge) -> None:
        about = {name: charge.request[name] for name in ("reference", "metadata")}
        self._told += 1
        self.events.append({"eventId": f"evt-{self._told}", "chargeId": charge.id, "status": charge.status, **about})


def operation_of(method: str, url: str) -> str:
    """Return which of the provider's operations an HTTP request asks for."""
    if method == "GET":
        return "look up"
    return "cancel" if re.search("/cancel$", url) else "charge"


def _response(status: HTTPStatus, charge: Charge | None = None) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps({"chargeId": charge.id, "status": charge.status} if charge else {}).encode()
    return response
