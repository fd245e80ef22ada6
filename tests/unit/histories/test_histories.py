"""Any history leaves the books right: which steps it has, and what goes wrong in them, is hypothesis's choice.

A history that does not is printed with the fewest steps that fail. `HISTORIES` is the number of histories, and
`HISTORIES_SEED` chooses others (docs/maintaining/histories.md).
"""

import os
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.unit.histories.invariant import check_at_any_time, check_in_the_end
from tests.unit.histories.steps import Step, histories
from tests.unit.histories.world import World


def _chosen(test: Any) -> Any:
    """Have hypothesis make up as many histories as the environment asks for; without a seed always the same ones."""
    chosen = os.environ.get("HISTORIES_SEED")
    number = int(os.environ.get("HISTORIES", "500"))
    configured = settings(
        max_examples=number,
        derandomize=chosen is None,
        database=None,
        # A busy machine makes no test fail.
        suppress_health_check=[HealthCheck.too_slow],
    )
    return configured(seed(int(chosen))(test) if chosen else test)


@_chosen
# The reconciler gives up after one look or two instead of four: else a history would have to be long.
@given(looks=st.integers(1, 2), history=histories())
def test_any_history_leaves_the_books_right(looks: int, history: list[Step]) -> None:
    world = World(looks)
    with world.entered():
        for step in history:
            step.take(world)
            check_at_any_time(world)
        world.calm_down()
        check_at_any_time(world)
        check_in_the_end(world)
