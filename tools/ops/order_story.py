"""Tells the whole story of one order: its item, its charge, its dead letters, and every log line about it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from storefront.orders.order import is_order_id
from storefront.shared.text import printable
from tools.console import Problem, styled
from tools.ops.redrive import DeadLetterQueue, dead_letter_queues, letters_in, mentions, release
from tools.stack.logs import LEVEL_STYLES, events_in
from tools.stack.stack import Stack

_SHOWN = (
    *("status", "version", "customerId", "acceptedAt", "updatedAt", "correlationId", "chargeId", "rejectionReason"),
    *("refundDue", "reviews", "reviewAt"),
)
_SHOWN_OF_CHARGE = ("status", "amount", "calls", "chargeId", "openedAt")
_SHOWN_OF_LINE = ("order_id", "status", "reason", "event_type", "refusal", "posts", "version", "idempotency_key")
_COUNTS = {"waiting": "ApproximateNumberOfMessages", "in flight or put off": "ApproximateNumberOfMessagesNotVisible"}
# The clocks of the table's writer and of the logs are not the same.
_BEFORE_SECONDS = 60
# FilterLogEvents has a quota of some calls a second; boto3 waits where it is met.
_GROUPS_AT_ONCE = 4

Json = dict[str, Any]


@dataclass(frozen=True)
class LogLine:
    """A line that a function, or the gateway, has logged about the order."""

    timestamp: int
    function: str
    level: str
    message: str
    correlation_id: str | None
    fields: Json


@dataclass(frozen=True)
class Story:
    """The traces of an order in tables, queues and logs."""

    order_id: str
    order: Json | None  # its item, without what is the table's own
    charge: Json | None  # what the sandbox's books say
    waiting: dict[str, dict[str, int]]  # how many messages each queue holds, of whatever order
    dead_letters: dict[str, list[str]]  # those about it, by queue
    events: list[str]  # what was published about it, by the log of the publisher
    lines: list[LogLine]  # what was logged about it, in the order of time

    def shown(self) -> Iterator[str]:
        """Yield the lines for a terminal."""
        yield styled(self.order_id, "bold")
        if self.order is None:
            yield "  the orders table has no such order"
        else:
            yield from (f"  {name:<16} {printable(self.order[name])}" for name in _SHOWN if name in self.order)
            currency = self.order["currency"]
            for line in self.order["lines"]:
                price = f"{line['unitPrice']} {currency} (minor units)"
                yield printable(f"  {'line':<16} {line['quantity']} x {line['sku']} at {price}")
        yield f"{styled('charge', 'bold')}  {printable(_pairs(self.charge or {})) or 'none that the sandbox knows of'}"
        counts = [f"{name} {', '.join(f'{n} {what}' for what, n in of.items())}" for name, of in self.waiting.items()]
        yield f"{styled('queues', 'bold')}  {'; '.join(counts)} (of all orders)"
        for queue, bodies in self.dead_letters.items():
            yield styled(f"dead letters of {queue}: storefront redrive {queue} --match {self.order_id}", "red")
            yield from (f"  {printable(body)}" for body in bodies)
        yield f"{styled('events', 'bold')}  {printable(', '.join(self.events)) or 'none published'}"
        yield f"{styled('logs', 'bold')}    {len(self.lines)} lines"
        width = max((len(line.function) for line in self.lines), default=0)
        yield from (_readable(line, width, (self.order or {}).get("correlationId")) for line in self.lines)


def of(stack: Stack, order_id: str, customer_id: str | None = None, hours: float = 24) -> Story:
    """Find out everything about an order.

    The table is keyed by customer. Without the customer's id the order is found by a scan of the whole table, which is
    an operator's to pay for. ``hours`` is how much of the logs to read if the table has no such order.
    """
    if not is_order_id(order_id):
        raise Problem("an order's id is ord- and 32 letters and digits")
    order = _order(stack, order_id, customer_id)
    names = [order_id, *([order["correlationId"]] if order else [])]
    begun = datetime.fromisoformat(order["acceptedAt"]).timestamp() if order else time.time() - hours * 3600
    lines = _lines(stack, names, int((begun - _BEFORE_SECONDS) * 1000))
    queues = dead_letter_queues(stack)
    return Story(
        order_id,
        order,
        _charge(stack, order_id),
        _waiting(stack, queues),
        _dead_letters(stack, queues, order_id),
        [str(line.fields["event_type"]) for line in lines if "event_type" in line.fields],
        lines,
    )


def _order(stack: Stack, order_id: str, customer_id: str | None) -> Json | None:
    dynamodb, table = stack.client("dynamodb"), stack.outputs["OrdersTableName"]
    if customer_id:
        key = {"customerId": {"S": customer_id}, "orderId": {"S": order_id}}
        item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    else:
        wanted = {"FilterExpression": "orderId = :id", "ExpressionAttributeValues": {":id": {"S": order_id}}}
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True, **wanted)
        item = next((item for page in pages for item in page["Items"]), None)
    return _plain(item, (*_SHOWN, "lines", "currency"))


def _charge(stack: Stack, order_id: str) -> Json | None:
    # Prod has no sandbox: the provider's own pages show the charge.
    table = stack.outputs.get("PaymentsSandboxTableName")
    if not table:
        return None
    key = {"idempotencyKey": {"S": order_id}}
    item = stack.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    return _plain(item, _SHOWN_OF_CHARGE)


def _plain(item: Json | None, names: tuple[str, ...]) -> Json | None:
    """Return attributes of an item, if there is one, as JSON has them."""
    if item is None:
        return None
    from_attribute = TypeDeserializer().deserialize
    found = {name: from_attribute(item[name]) for name in names if name in item}
    plain: Json = json.loads(json.dumps(found, default=int))
    return plain


def _waiting(stack: Stack, queues: list[DeadLetterQueue]) -> dict[str, dict[str, int]]:
    sqs = stack.client("sqs")
    waiting = {}
    for queue in queues:
        if queue.source_url:
            names = list(_COUNTS.values())
            found = sqs.get_queue_attributes(QueueUrl=queue.source_url, AttributeNames=names)["Attributes"]
            waiting[queue.name] = {what: int(found[name]) for what, name in _COUNTS.items()}
    return waiting


def _dead_letters(stack: Stack, queues: list[DeadLetterQueue], order_id: str) -> dict[str, list[str]]:
    sqs = stack.client("sqs")

    def about(queue: DeadLetterQueue) -> list[str]:
        letters = letters_in(sqs, queue.url)
        release(sqs, queue.url, letters)
        return [letter["Body"] for letter in letters if mentions(letter, order_id)]

    # Each takes a second to find that there is nothing more.
    with ThreadPoolExecutor() as pool:
        found = zip(queues, pool.map(about, queues), strict=True)
        return {queue.name: bodies for queue, bodies in found if bodies}


def _lines(stack: Stack, names: list[str], since: int) -> list[LogLine]:
    """Return the log lines with one of the names in them, from all of the stack's log groups."""
    logs = stack.client("logs")

    def of_group(group: str) -> list[Json]:
        # A call for each name: `?"one" ?"other"` finds nothing on the emulator.
        return [event for name in names for event in events_in(logs, group, since, f'"{name}"')]

    with ThreadPoolExecutor(_GROUPS_AT_ONCE) as pool:
        groups = pool.map(of_group, stack.resources("AWS::Logs::LogGroup").values())
        found = {
            (event["function"], event["logStreamName"], event["timestamp"], event["message"]): event
            for events in groups
            for event in events
        }
    return sorted(map(_line, found.values()), key=lambda line: line.timestamp)


def _line(event: Json) -> LogLine:
    try:
        record = json.loads(event["message"])
    except ValueError:
        record = {"message": event["message"].rstrip()}
    if "requestId" in record:
        # The gateway's access log has no message: what was asked for, and how it was answered.
        message = " ".join(str(record.get(name, "")) for name in ("method", "resourcePath", "status"))
        return LogLine(event["timestamp"], event["function"], "INFO", message, record["requestId"], {})
    return LogLine(
        event["timestamp"],
        event["function"],
        record.get("level", ""),
        str(record.get("message", "")),
        record.get("correlation_id"),
        {name: record[name] for name in _SHOWN_OF_LINE if record.get(name) is not None},
    )


def _readable(line: LogLine, width: int, correlation_id: str | None) -> str:
    moment = time.localtime(line.timestamp / 1000)
    clock = f"{time.strftime('%H:%M:%S', moment)}.{line.timestamp % 1000:03}"
    # Its own correlation id would be in every line; another's says that the line belongs to another request.
    fields = {name: value for name, value in line.fields.items() if name not in ("order_id", "idempotency_key")}
    if line.correlation_id and line.correlation_id != correlation_id:
        fields["correlation_id"] = line.correlation_id
    heading = f"{styled(clock, 'dim')} {styled(f'{line.function:<{width}}', 'cyan')}"
    message = styled(printable(line.message), LEVEL_STYLES.get(line.level, "bold"))
    return f"  {heading} {message} {styled(printable(_pairs(fields)), 'dim')}".rstrip()


def _pairs(values: Json) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
