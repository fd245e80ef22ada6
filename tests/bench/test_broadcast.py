"""The broadcast: measured as the chat does it, and held against posts alone."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest

from storefront.chat import broadcast as fan_out
from storefront.chat.connection import ConnectionGone, Recipient
from storefront.shared.observability import metrics
from tools.bench import broadcast
from tools.bench.report import Run
from tools.bench.section import Section


@pytest.fixture(scope="module", autouse=True)
def metrics_are_nobody_elses() -> Iterator[None]:
    """A broadcast counts its posts; no handler sends the counts here."""
    yield
    metrics.clear_metrics()


@pytest.fixture(scope="session")
def measured() -> Section:
    return broadcast.measure(Run(quick=True), connections=40, delay_ms=5)


def test_everybody_gets_one_post_and_the_room_is_asked_for_once(measured: Section) -> None:
    for one in measured.data["measurements"]:
        assert one["calls"] == {"PostToConnection": 40, "Query": 1}


def test_one_by_one_waits_for_each_post(measured: Section) -> None:
    concurrently, one_by_one = broadcast.READ(measured.data["measurements"])

    assert (concurrently.way, one_by_one.way) == ("concurrently", "one by one")
    assert one_by_one.time.low >= 40 * 0.005
    assert one_by_one.floor.low >= 40 * 0.005


def test_as_many_posts_are_made_at_once_as_the_way_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pools: list[int] = []

    def pool(workers: int) -> ThreadPoolExecutor:
        pools.append(workers)
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr(fan_out, "ThreadPoolExecutor", pool)
    rooms, connections, gateway = Mock(), Mock(), Mock()
    rooms.members.return_value = [[Recipient("one"), Recipient("two")]]

    broadcast._broadcast(rooms, connections, gateway, at_once=7)

    assert pools == [7]
    assert gateway.post.call_count == 2


def test_a_broadcast_that_does_not_reach_everybody_is_no_measurement() -> None:
    rooms, connections, gateway = Mock(), Mock(), Mock()
    rooms.members.return_value = [[Recipient("one")]]
    gateway.post.side_effect = ConnectionGone

    with pytest.raises(AssertionError, match="not everybody got it"):
        broadcast._broadcast(rooms, connections, gateway, at_once=1)


def test_the_section_is_made_of_its_numbers_alone(measured: Section) -> None:
    assert broadcast.section(json.loads(json.dumps(measured.data))) == Section(
        **{**vars(measured), "data": json.loads(json.dumps(measured.data))}
    )
