"""The tour that `make demo` gives."""

from tests.local.conftest import Typed


def test_every_stop_of_the_tour_is_as_it_says_and_fits_80_columns(typed: Typed) -> None:
    printed = typed("make demo")

    assert "all as they should be" in printed
    assert [line for line in printed.splitlines() if len(line) > 80] == []
