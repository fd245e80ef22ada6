"""The broadcast: measured as the chat does it, and held against posts alone."""

import argparse
import json

import pytest

from bench import broadcast
from bench.broadcast import Measurement
from bench.report import Section


@pytest.fixture(scope="module")
def measured() -> Section:
    return broadcast.measure(argparse.Namespace(quick=True, connections=40, delay_ms=5))


def test_everybody_gets_one_post_and_the_room_is_asked_for_once(measured: Section) -> None:
    for one in measured.data["measurements"]:
        assert one["calls"] == {"PostToConnection": 40, "Query": 1}


def test_one_by_one_waits_for_each_post(measured: Section) -> None:
    concurrently, one_by_one = (Measurement.of(one) for one in measured.data["measurements"])

    assert (concurrently.way, one_by_one.way) == ("concurrently", "one by one")
    assert one_by_one.time.low >= 40 * 0.005
    assert one_by_one.floor.low >= 40 * 0.005
    assert concurrently.time.median < one_by_one.time.median


def test_the_section_is_made_of_its_numbers_alone(measured: Section) -> None:
    assert broadcast.section(json.loads(json.dumps(measured.data))) == Section(
        **{**vars(measured), "data": json.loads(json.dumps(measured.data))}
    )
