"""Constants that AWS, or another limit of ours, bounds: with a value outside of the bounds nothing else would fail."""

import os
from datetime import timedelta

import pytest

from storefront.catalog import store as catalog
from storefront.chat import connection_store, deliver_order_status, table, websocket
from storefront.orders import event_bus, order_store, reconcile_orders
from storefront.orders.order_item import REVIEW_SHARDS
from storefront.rollout import function_version
from tools.testing.template import resources

FUNCTIONS = resources("AWS::Lambda::Function")
SHORTEST = min(function["Timeout"] for function in FUNCTIONS.values())
SHORTEST_CHAT = min(function["Timeout"] for name, function in FUNCTIONS.items() if name.startswith(("Send", "Join")))

BOUNDS = {
    "entries of one PutEvents": (event_bus.MAX_ENTRIES, 2, 10),
    "requests of one BatchWriteItem": (connection_store._BATCH, 2, 25),
    "partitions of the orders to review": (REVIEW_SHARDS, 2, 16),
    # Long enough for a few other writers, and short enough to answer after the last attempt.
    "seconds for a write of an order": (sum(order_store._PAUSES), 0.5, SHORTEST / 2),
    "seconds for a write of a product": (sum(catalog._PAUSES), 0.5, SHORTEST / 2),
    # All of a user's frames count on one row.
    "seconds for a write of the chat": (sum(table.PAUSES), 2, SHORTEST_CHAT / 2),
    # A post and three calls end in it, and most of the invocation is for other things.
    "milliseconds to clean up": (websocket.LAST_CLEANUP_MILLISECONDS, 1_000, SHORTEST_CHAT * 1000 / 3),
    "seconds of posts to one customer": (
        deliver_order_status._POSTING_SECONDS,
        2,
        FUNCTIONS["DeliverOrderStatusFunction"]["Timeout"] / 2,
    ),
    "seconds for a version to be let in": (sum(function_version.PAUSES), 60, 120),
}


@pytest.mark.parametrize(("value", "least", "most"), BOUNDS.values(), ids=BOUNDS)
def test_a_constant_is_within_its_bounds(value: float, least: float, most: float) -> None:
    assert least <= value <= most


def test_an_order_counts_as_unsettled_after_the_first_review_and_before_the_second() -> None:
    first = timedelta(seconds=int(os.environ["REVIEW_AFTER_SECONDS"]))

    assert first < reconcile_orders._SHOULD_HAVE_SETTLED < 5 * first
