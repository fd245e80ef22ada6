"""The tour that `make demo` gives."""

from tools.demo import tour
from tools.stack.stack import Stack


def test_every_stop_of_the_tour_is_as_it_says(stack: Stack) -> None:
    tour.run(stack)
