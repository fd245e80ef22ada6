"""The tour that `make demo` gives."""

from local.stack import Stack
from local.tour import Tour


def test_every_stop_of_the_tour_is_as_it_says(stack: Stack) -> None:
    Tour(stack).run()
