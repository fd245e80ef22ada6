"""Each environment's template as CloudFormation gets it after all transforms, its parameters filled in before SAM."""

import json
from collections.abc import Callable
from graphlib import TopologicalSorter

import pytest
from cfnlint.api import ManualArgs, lint

from tests.support.as_deployed import (
    Stack,
    as_deployed,
    bootstrap_stack,
    edge_of,
    governance_stack,
    nested_in,
    referred,
)
from tests.support.bootstrap import REGION

# A preview is deployed as dev is, under another name.
STACKS = {
    "dev": lambda: as_deployed("dev"),
    "staging": lambda: as_deployed("staging"),
    "prod": lambda: as_deployed("prod"),
    "nested": lambda: nested_in("prod"),
    "edge": lambda: edge_of("prod"),
    "bootstrap": bootstrap_stack,
    "governance": governance_stack,
}
Made = Callable[[], Stack]
EVERY_STACK = pytest.mark.parametrize("stack", [pytest.param(made, id=name) for name, made in STACKS.items()])


@EVERY_STACK
def test_cfn_lint_finds_nothing(stack: Made) -> None:
    found = lint(json.dumps(stack().template), config=ManualArgs(regions=[REGION]))

    assert [f"{one.rule.id} {'/'.join(map(str, one.path or []))}: {one.message}" for one in found] == []


@EVERY_STACK
def test_nothing_refers_to_what_is_not_there(stack: Made) -> None:
    template = stack().template

    dangling = {
        name: missing
        for section in template.values()
        for name, entry in section.items()
        if (missing := referred(entry) - template["Resources"].keys())
    }

    assert dangling == {}


@EVERY_STACK
def test_resources_do_not_wait_for_one_another_in_a_circle(stack: Made) -> None:
    waiting = {name: referred(resource) for name, resource in stack().resources.items()}

    assert any(waiting.values())
    assert len(list(TopologicalSorter(waiting).static_order())) == len(waiting)
