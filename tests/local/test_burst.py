"""A burst of orders on a stack that has just started."""

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.demo.api_client import ApiClient, sign_in
from tools.stack import lifecycle
from tools.stack.stack import Stack

CLIENTS, ORDERS = 16, 200


@pytest.fixture
def just_started(tmp_path: Path) -> Iterator[Stack]:
    yield lifecycle.ensure_up(tmp_path / "state")
    lifecycle.take_down(tmp_path / "state")


def test_two_hundred_orders_of_sixteen_clients_are_all_accepted(just_started: Stack) -> None:
    token = sign_in(just_started, "customer")
    clients = [ApiClient(just_started.url, token) for _ in range(CLIENTS)]

    def order(number: int) -> int:
        return clients[number % CLIENTS].order({"MUG-001": 1}, str(uuid.uuid4())).status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = Counter(pool.map(order, range(ORDERS)))

    assert statuses == {202: ORDERS}
