"""Every check refuses its attack, and is the one that does: without it, the attack gets through."""

import pytest

from tests.defences import DEFENCES
from tests.defences.defence import Defence, mutated, original

each = pytest.mark.parametrize("defence", DEFENCES, ids=lambda defence: defence.check)


@each
def test_the_attack_is_refused(defence: Defence) -> None:
    with pytest.raises(defence.refusal):
        defence.attack(original(defence))


@each
def test_without_the_check_it_gets_through(defence: Defence) -> None:
    defence.attack(mutated(defence))
