"""The pipeline: how its figures come about, with a pipeline that takes a known time."""

import itertools
import threading
import time
from collections.abc import Callable

import pytest
import requests

from tools.bench import pipeline
from tools.bench.pipeline import _try
from tools.bench.pipelines import accepted
from tools.console import Problem


class Slow:
    """Accepts each request after a moment, and has its outcome two seconds later, if at all; the last after four."""

    def __init__(self, lost: int = 0) -> None:
        self.clients = 0
        self.accepted: dict[str, float] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._lost = lost

    def client(self) -> Callable[[], str]:
        self.clients += 1

        def make() -> str:
            time.sleep(0.01)
            with self._lock:
                one = str(next(self._numbers))
                self.accepted[one] = time.time()
            return one

        return make

    def is_done(self) -> bool:
        return True

    def times(self, ids: set[str]) -> list[tuple[float, float]]:
        taken = sorted(self.accepted[one] for one in ids)
        return [*((one, one + 2) for one in taken[self._lost : -1]), (taken[-1], taken[-1] + 4)]


def test_requests_are_shared_among_the_clients_and_each_is_made_once() -> None:
    slow = Slow()

    trial = _try(slow, clients=4, amount=10)

    assert (slow.clients, len(slow.accepted)) == (4, 10)
    assert trial.outcomes == pytest.approx([2] * 9 + [4])


def test_rates_are_to_the_last_acceptance_and_to_the_last_outcome() -> None:
    trial = _try(Slow(), clients=5, amount=50)

    # Ten each, of 10 ms; and four seconds later the last has its outcome
    assert trial.accepted <= 50 / 0.1
    assert trial.settled == pytest.approx(50 / (4 + 50 / trial.accepted), rel=0.05)


def test_what_never_has_an_outcome_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_SETTLE_SECONDS", 0.5)

    with pytest.raises(Problem, match=r"3 of 10 have no outcome after 0\.5 s"):
        _try(Slow(lost=3), clients=2, amount=10)


def test_what_is_not_accepted_is_not_measured() -> None:
    response = requests.Response()
    response.status_code, response.url = 429, "http://shop/orders"

    with pytest.raises(Problem, match="http://shop/orders answers 429"):
        accepted(lambda: response)


def test_a_stack_that_does_not_answer_is_said_to_be_too_busy() -> None:
    def send() -> requests.Response:
        raise requests.ReadTimeout

    with pytest.raises(Problem, match="too busy"):
        accepted(send)
