"""Places that list functions: a new function must be in each of them, and there are few."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tools.testing.template import Json, resources, source, walk

FUNCTIONS = {name.removesuffix("Function"): one for name, one in resources("AWS::Lambda::Function").items()}
# It is another company's, and prod has none: its log group and role are beside it.
BY_ITSELF = {"PaymentsSandbox"}
LOOPS = {"Fn::ForEach::Functions", "Fn::ForEach::Hooks"}
MOST_LISTS = 2
# A container that names fewer is about these functions, not about all of a kind.
LIST_FROM = 3


def looped(name: str) -> list[str]:
    names: list[str] = source()["Resources"][name][1]
    return names


def test_the_loops_have_every_function_once() -> None:
    names = [function for loop in sorted(LOOPS) for function in looped(loop)]

    assert sorted(names) == sorted(FUNCTIONS.keys() - BY_ITSELF)


def test_the_mapping_has_every_function_of_the_loops() -> None:
    assert source()["Mappings"]["Functions"].keys() == FUNCTIONS.keys() - BY_ITSELF


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_log_group_is_called_as_the_handler_s_module(function: str) -> None:
    group = resources("AWS::Logs::LogGroup")[f"{function}Logs"]["LogGroupName"]["Fn::Sub"]
    module = FUNCTIONS[function]["Handler"].split(".")[-2].replace("_", "-")

    assert group == f"/aws/lambda/${{AWS::StackName}}/{'payments-sandbox' if function in BY_ITSELF else module}"


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_is_in_two_lists_at_most(function: str) -> None:
    found = [path for path, names in lists() if function in names]

    assert len(found) <= MOST_LISTS, found


@cache
def lists() -> tuple[tuple[str, set[str]], ...]:
    """Return the places in both templates that name several functions, each with the functions."""
    return tuple(_lists())


def _lists() -> Iterator[tuple[str, set[str]]]:
    for file in ("template.yaml", "operations.yaml"):
        for path, node in walk(source(file)):
            names = _named_in(node)
            # Which function serves which route, only its API can say.
            if len(names) >= LIST_FROM and path[-1:] != ("Routes",):
                yield "/".join((file, *path)), names


def _named_in(node: Any) -> set[str]:
    """Return the functions that are named by a list's elements, or a mapping's keys or values, themselves."""
    match node:
        case dict():
            parts = [*node, *node.values()] if not _holds_blocks(node) else []
        case list():
            parts = node
        case _:
            parts = []
    return {name for part in parts for name in _names(part)}


def _holds_blocks(node: Json) -> bool:
    """Tell whether these are resources: a function's own block is there."""
    return any(isinstance(value, dict) and "Type" in value for value in node.values())


def _names(part: Any) -> set[str]:
    match part:
        case str(text) | {"Ref": str(text)} | {"Fn::GetAtt": [str(text), *_]}:
            found = re.fullmatch(r"(\w+?)(Function|Logs|Role|Policy)?(\.\w+)?", text)
            return {found[1]} & FUNCTIONS.keys() if found else set()
    return set()
