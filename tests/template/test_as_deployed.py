"""Each environment's template as CloudFormation gets it after all transforms, its parameters filled in before SAM."""

import json
import re
from collections.abc import Callable
from graphlib import TopologicalSorter

import pytest
from cfnlint.api import ManualArgs, lint

from tests.support.as_deployed import Stack, as_deployed, bootstrap_stack, nested_in
from tests.support.bootstrap import REGION
from tools.testing.template import Json, walk

# A preview is deployed as dev is, under another name.
STACKS = {
    "dev": lambda: as_deployed("dev"),
    "staging": lambda: as_deployed("staging"),
    "prod": lambda: as_deployed("prod"),
    "nested": lambda: nested_in("prod"),
    "bootstrap": bootstrap_stack,
}
Made = Callable[[], Stack]
EVERY_STACK = pytest.mark.parametrize("stack", [pytest.param(made, id=name) for name, made in STACKS.items()])


def referred(entry: Json) -> set[str]:
    """Return the logical ids that a part of a template refers to or waits for."""
    waits = entry.get("DependsOn", [])
    names = {waits} if isinstance(waits, str) else {*waits}
    for _, node in walk(entry):
        match node:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
                names.add(name)
            case {"Fn::Sub": [str(text), dict(local)]}:
                names |= _in_text(text) - local.keys()
            case {"Fn::Sub": str(text)}:
                names |= _in_text(text)
    return names


def _in_text(text: str) -> set[str]:
    return {name.partition(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}


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
