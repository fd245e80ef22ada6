"""Shows what is in the dead-letter queues, and moves back what one chooses; SQS itself moves all of a queue."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storefront.orders.event import event_of_change
from storefront.orders.event_bus import EventBus
from storefront.orders.order_item import order_of
from storefront.shared.attributes import Unreadable
from storefront.shared.text import printable
from tools.console import Problem, say, styled
from tools.stack.function_name import kebab_of
from tools.stack.stack import Stack

# The errors that make one letter fail, also where it or its order is unreadable: the others must not wait for it.
_FAILURES = (Problem, Unreadable, ClientError, BotoCoreError, ValueError, KeyError, TypeError, AttributeError)
# So long a letter is out of sight where this command ends before it has put it back.
_HELD_SECONDS = 60
# A long poll asks every server that holds messages; a short one may miss some ("Amazon SQS short and long polling",
# Amazon SQS Developer Guide).
_POLL_SECONDS = 1
_BATCH = 10
_SHOWN_CHARACTERS = 160
_ENDING = "DeadLetterQueue"
# The words for letters that were dealt with, and for the effect of --yes.
_MOVING = ("moved", "moves them back")
_PUBLISHING = ("published", "publishes the events of the orders they name, as they are now")

_REFUND = "a refund that failed: support asks again, with a new key"

Letter = dict[str, Any]  # a message as SQS hands it out


@dataclass(frozen=True)
class DeadLetterQueue:
    """A dead-letter queue, called after the queue or the stream that its messages come from."""

    name: str
    url: str
    source_url: str | None  # none of a stream


def dead_letter_queues(stack: Stack) -> list[DeadLetterQueue]:
    """Return the stack's dead-letter queues; `OrdersDeadLetterQueue` takes the messages of `OrdersQueue`."""
    urls = stack.resources("AWS::SQS::Queue")
    names = sorted(name.removesuffix(_ENDING) for name in urls if name.endswith(_ENDING))
    return [DeadLetterQueue(kebab_of(name), urls[f"{name}{_ENDING}"], urls.get(f"{name}Queue")) for name in names]


def letters_in(sqs: Any, url: str) -> list[Letter]:
    """Return what a dead-letter queue holds. The letters are held: `release` those that stay.

    In any other queue, a look counts as a receive, and five make a dead letter.
    """
    letters: dict[str, Letter] = {}
    while True:
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=_HELD_SECONDS,
            WaitTimeSeconds=_POLL_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        messages = {message["MessageId"]: message for message in received.get("Messages", [])}
        # One that comes a second time was in sight again already: everything has been seen.
        is_end = messages.keys() <= letters.keys()
        letters |= messages
        if is_end:
            return sorted(letters.values(), key=lambda letter: str(letter["Attributes"]["SentTimestamp"]))


def release(sqs: Any, url: str, letters: Iterable[Letter]) -> None:
    """Put letters back into sight; those that are gone by then are passed over."""
    entries = [
        {"Id": str(number), "ReceiptHandle": letter["ReceiptHandle"], "VisibilityTimeout": 0}
        for number, letter in enumerate(letters)
    ]
    for start in range(0, len(entries), _BATCH):
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries[start : start + _BATCH])


def mentions(letter: Letter, text: str) -> bool:
    """Tell whether a text is in the body or in an attribute's value."""
    return any(text in value for value in (letter["Body"], *_attributes(letter).values()))


def _attributes(letter: Letter) -> dict[str, str]:
    return {name: str(value.get("StringValue")) for name, value in letter.get("MessageAttributes", {}).items()}


def run(stack: Stack, name: str | None, match: str | None, go: bool) -> None:
    """Show the dead letters with a text in their body or an attribute, and with ``go`` move those of one queue."""
    queues = dead_letter_queues(stack)
    names = ", ".join(queue.name for queue in queues)
    if go and not name:
        raise Problem(f"say which dead letters to move: one of {names}")
    chosen = [queue for queue in queues if name in (None, queue.name)]
    if not chosen:
        raise Problem(f"no queue is called {name!r}: name one of {names}")
    failures = sum(_deal_with(stack, queue, match, go) for queue in chosen)
    if failures:
        raise Problem(f"{failures} could not be moved, and are where they were: the lines above say why")


def _deal_with(stack: Stack, queue: DeadLetterQueue, match: str | None, go: bool) -> int:
    """Show a queue's letters, move those that match if asked to; return how many could not be moved."""
    sqs = stack.client("sqs")
    letters = letters_in(sqs, queue.url)
    chosen = [letter for letter in letters if match is None or mentions(letter, match)]
    try:
        _show(queue, letters, chosen)
        failed = move(stack, queue, chosen) if go else []
    finally:
        release(sqs, queue.url, letters)
    done, does = _MOVING if queue.source_url else _PUBLISHING
    if go:
        skipped = len(letters) - len(chosen)
        say(f"  {done} {len(chosen) - len(failed)} of {len(chosen)}, skipped {skipped}, failed {len(failed)}")
    elif chosen:
        say(f"  dry run, nothing has been moved: storefront redrive {queue.name} --yes {does}")
    for letter, reason in failed:
        say(f"  {styled('failed', 'red')} {letter['MessageId']}: {printable(reason)}")
    return len(failed)


def _show(queue: DeadLetterQueue, letters: Sequence[Letter], chosen: Sequence[Letter]) -> None:
    which = "" if len(chosen) == len(letters) else f", of which {len(chosen)} match"
    say(f"{styled(queue.name, 'bold')}: {len(letters)} dead letters{which}")
    for letter in chosen:
        moment = time.localtime(int(letter["Attributes"]["SentTimestamp"]) / 1000)
        heading = styled(f"{time.strftime('%Y-%m-%d %H:%M:%S', moment)} {letter['MessageId']}", "dim")
        names = " ".join(f"{name}={value}" for name, value in sorted(_attributes(letter).items()))
        say(f"  {heading} {printable(letter['Body'], _SHOWN_CHARACTERS)} {printable(names)}".rstrip())
        if queue.source_url is None:
            say(f"    {printable(_pointer(letter))}")


def move(stack: Stack, queue: DeadLetterQueue, letters: Iterable[Letter]) -> list[tuple[Letter, str]]:
    """Move letters, each by itself; return those that could not be moved, with the reason."""
    sqs = stack.client("sqs")
    failed = []
    for letter in letters:
        try:
            # In this order: after a crash in between there are two copies, which every consumer of the shop sees
            # through. The other way round, there would be none.
            if queue.source_url:
                _send_back(sqs, queue.source_url, letter)
            else:
                _publish_again(stack, letter)
            sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter["ReceiptHandle"])
        except _FAILURES as error:
            failed.append((letter, f"{type(error).__name__}: {error}"))
    return failed


def _send_back(sqs: Any, source_url: str, letter: Letter) -> None:
    trace = letter.get("Attributes", {}).get("AWSTraceHeader")
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    sqs.send_message(
        QueueUrl=source_url,
        MessageBody=letter["Body"],
        MessageAttributes=letter.get("MessageAttributes", {}),
        # The trace of the request goes on where it was broken off.
        MessageSystemAttributes=header if trace else {},
    )


def _publish_again(stack: Stack, letter: Letter) -> None:
    """Publish the event of an order that the stream's consumer has put aside, as the order is now.

    The change itself is gone; its order is in the table. Consumers go by the order's version, so an event too many
    does nothing.
    """
    body = json.loads(letter["Body"])
    if "refundId" in body:
        raise Problem(_REFUND)
    key = body.get("key")
    if not key:
        raise Problem("it names a place in the stream and no order: see docs/operations.md")
    table = stack.outputs["OrdersTableName"]
    item = stack.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    event = event_of_change(None, order_of(item)) if item else None
    if event is None:
        raise Problem("its order is gone, or has not settled: nothing to publish yet")
    if EventBus(stack.client("events"), stack.outputs["EventBusName"]).publish([event]) is not None:
        raise Problem("the bus has not taken the event")


def _pointer(letter: Letter) -> str:
    """Say what a dead letter of the stream points to; it cannot be sent back as a message."""
    try:
        body = json.loads(letter["Body"])
        if "refundId" in body:
            return f"{_REFUND}; its order: storefront order {body['request']['orderId']}"
        if "key" in body:
            order_id = body["key"]["orderId"]["S"]
            return f"a change that could not be read; its order is in the table: storefront order {order_id}"
        batch = body["DDBStreamBatchInfo"]
        first, last = (batch[f"approximateArrivalOf{end}Record"] for end in ("First", "Last"))
        return (
            f"{batch['batchSize']} changes between {first} and {last} ({body['requestContext']['condition']}); "
            "their orders are in the table: see docs/operations.md"
        )
    except (ValueError, KeyError, TypeError):
        return "not a letter of the stream's: see docs/operations.md"
