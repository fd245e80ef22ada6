"""Reads that must see what was written a moment ago: a revocation, a membership, an order, a charge.

moto, like the emulator, reads every table consistently, so that it is asked for shows in the call alone.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from payments.books import Books
from storefront.chat.message_store import MessageStore
from storefront.chat.room_store import RoomStore
from storefront.orders.order import OrderKey
from storefront.orders.order_store import OrderStore
from storefront.partners.outcome import OutcomeKey
from storefront.partners.outcome_store import OutcomeStore
from storefront.partners.store import PartnerStore
from storefront.shared import clock
from tools.testing.aws import Aws
from tools.testing.aws_calls import AwsCall, Listen
from tools.testing.chat import Chat, Client

KEY = OrderKey("customer", "ord-" + "a" * 32)


def _history(aws: Aws) -> Any:
    ada = Client("ada-1")
    Chat(aws).connect(ada, room="support")
    return MessageStore(aws.dynamodb, os.environ["CHAT_TABLE"]).history(ada.connection, "support", 1, None, clock.now())


READS: dict[str, Callable[[Aws], Any]] = {
    "a partner, who may have been revoked": lambda aws: PartnerStore(aws.dynamodb, os.environ["PARTNERS_TABLE"]).get(
        "partner"
    ),
    "what became of a partner's order": lambda aws: OutcomeStore(aws.dynamodb, os.environ["PARTNER_ORDERS_TABLE"]).get(
        OutcomeKey("partner", "reference")
    ),
    "an order": lambda aws: OrderStore(aws.dynamodb, os.environ["ORDERS_TABLE"]).get(KEY),
    "whether somebody has an order": lambda aws: OrderStore(aws.dynamodb, os.environ["ORDERS_TABLE"]).has(KEY),
    "the members of a room": lambda aws: RoomStore(aws.dynamodb, os.environ["CHAT_TABLE"]).members(
        "support", clock.now()
    ),
    "the history of a room": _history,
    "the books of the payments sandbox": lambda aws: Books(aws.dynamodb, os.environ["PAYMENTS_SANDBOX_TABLE"]).find(
        "key"
    ),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_was_written_a_moment_ago_is_read(aws: Aws, listen: Listen, read: Callable[[Aws], Any]) -> None:
    asked: list[Any] = []

    def hear(call: AwsCall) -> None:
        if call.operation in ("GetItem", "Query"):
            asked.append(call.parameters.get("ConsistentRead"))

    listen(hear)
    found = read(aws)
    if isinstance(found, Iterable):
        list(found)

    assert asked == [True]
