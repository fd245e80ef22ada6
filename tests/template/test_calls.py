"""The calls that functions make in the tests are those that their roles allow: no more, no less."""

import pytest

from tools.testing.calls import Call, recorded
from tools.testing.grants import BY_AWS, Grant, grants


@pytest.mark.parametrize("call", sorted(recorded()), ids=lambda call: f"{call.function}: {call}")
def test_what_a_function_calls_its_role_allows(call: Call) -> None:
    assert [grant for grant in grants() if grant.allows(call)], (
        "allow it in template.yaml; if it is not made: storefront calls"
    )


@pytest.mark.parametrize("grant", [grant for grant in grants() if grant.action not in BY_AWS], ids=str)
def test_what_a_role_allows_a_test_does(grant: Grant) -> None:
    assert [call for call in recorded() if grant.allows(call)], (
        "test it, then: storefront calls; or take it out of template.yaml"
    )


def test_what_only_aws_does_no_code_does() -> None:
    assert BY_AWS.keys() == BY_AWS.keys() & {grant.action for grant in grants()}
    assert not BY_AWS.keys() & {call.action for call in recorded()}
