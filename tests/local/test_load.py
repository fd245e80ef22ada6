"""A thousand orders from twenty clients, some of them troublesome, and the books afterwards."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import requests

from tests.local.conftest import Books
from tests.support.waiting import wait_until
from tools.demo.api_client import ApiClient
from tools.stack.stack import Stack

ORDERS = 1000
CLIENTS = 20
DECLINED, RECOVERING, FAILING = 50, 20, 5
REPEATED = 50


def test_a_thousand_orders_add_up(
    stack: Stack, customer: ApiClient, books: Books, record_property: Callable[[str, object], None]
) -> None:
    # Given orders of which 5 % are declined, 2 % fail once and recover, 0.5 % fail for ever, and 5 % come twice
    skus = {
        "CONFIRMED": books.sell(price=1000, stock=5 * ORDERS),
        "REJECTED": books.sell(price=1001, stock=ORDERS),
        "RECOVERING": books.sell(price=1002, stock=ORDERS),
        "FAILING": books.sell(price=1004, stock=ORDERS),
    }
    kinds = ["REJECTED"] * DECLINED + ["RECOVERING"] * RECOVERING + ["FAILING"] * FAILING
    kinds += ["CONFIRMED"] * (ORDERS - len(kinds))
    dice = random.Random(1)
    requests = [(kind, str(uuid.uuid4())) for kind in kinds]
    requests += dice.sample(requests, REPEATED)
    dice.shuffle(requests)

    # When twenty clients send them at once
    started = time.monotonic()
    clients = [ApiClient(stack.url, customer.token) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = [requests[number::CLIENTS] for number in range(CLIENTS)]
        # A list, so that a failure in a client is one of the test.
        list(pool.map(place, clients, shares, [skus] * CLIENTS))
    accepted_seconds = time.monotonic() - started
    mine = wait_until(lambda: settled(books, set(skus.values())), "all but the failing ones are settled", 240)
    settled_seconds = time.monotonic() - started

    # Then each ends as it must, and the failing ones, and only they, are dead-lettered
    ends = Counter((order["lines"]["L"][0]["M"]["sku"]["S"], order["status"]["S"]) for order in mine.values())
    assert ends == {
        (skus["CONFIRMED"], "CONFIRMED"): ORDERS - DECLINED - RECOVERING - FAILING,
        (skus["REJECTED"], "REJECTED"): DECLINED,
        (skus["RECOVERING"], "CONFIRMED"): RECOVERING,
        (skus["FAILING"], "RESERVED"): FAILING,
    }
    failing = {order_id for order_id, order in mine.items() if order["status"]["S"] == "RESERVED"}
    dead = wait_until(lambda: complete(dead_orders(books, mine), FAILING), "the failing ones are dead-lettered", 120)
    assert dead == failing

    # And stock and charges add up exactly
    sold = {name: initial - books.stock(skus[name]) for name, initial in initial_stock().items()}
    assert sold == {
        "CONFIRMED": ORDERS - DECLINED - RECOVERING - FAILING,
        "REJECTED": 0,
        "RECOVERING": RECOVERING,
        "FAILING": FAILING,
    }
    charges = {order_id: charge for order_id, charge in books.charges().items() if order_id in mine}
    approved = {order_id: amount for order_id, (status, amount) in charges.items() if status == "approved"}
    confirmed = {order_id for order_id, order in mine.items() if order["status"]["S"] == "CONFIRMED"}
    assert approved.keys() == confirmed
    assert sum(approved.values()) == 1000 * (ORDERS - DECLINED - RECOVERING - FAILING) + 1002 * RECOVERING

    record_property(
        "measured",
        f"{ORDERS} orders from {CLIENTS} clients: accepted {ORDERS / accepted_seconds:.0f} a second, "
        f"settled {ORDERS / settled_seconds:.0f} a second, all books exact",
    )


def initial_stock() -> dict[str, int]:
    return {"CONFIRMED": 5 * ORDERS, "REJECTED": ORDERS, "RECOVERING": ORDERS, "FAILING": ORDERS}


def place(client: ApiClient, share: list[tuple[str, str]], skus: dict[str, str]) -> None:
    for kind, key in share:
        response = answered(client, skus[kind], key)
        assert response.status_code == 202, response.text


def answered(client: ApiClient, sku: str, key: str) -> requests.Response:
    """Order until there is an answer: with the same key, what failed for now, or got none, is safe to send again."""
    for _ in range(4):
        with suppress(requests.Timeout):
            response = client.order({sku: 1}, key)
            if response.status_code < 500:
                return response
    return client.order({sku: 1}, key)


def settled(books: Books, skus: set[str]) -> dict[str, dict[str, Any]] | None:
    """Return the test's orders once none is on its way any more but those that fail."""
    mine = {
        order_id: order for order_id, order in books.orders().items() if order["lines"]["L"][0]["M"]["sku"]["S"] in skus
    }
    unsettled = sum(order["status"]["S"] not in {"CONFIRMED", "REJECTED"} for order in mine.values())
    return mine if len(mine) == ORDERS and unsettled == FAILING else None


def dead_orders(books: Books, mine: dict[str, Any]) -> set[str]:
    bodies = books.dead_letters()
    return {order_id for order_id in mine if any(order_id in body for body in bodies)}


def complete(found: set[str], count: int) -> set[str] | None:
    return found if len(found) >= count else None
