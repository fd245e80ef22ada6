"""SAM publishes a version of a function, and so releases it, for a change that its code would notice."""

import copy

import pytest

from tools.testing import template
from tools.testing.template import Json, resources, source, translated, translated_with_values, walk


def versions(of: Json) -> dict[str, str]:
    """Return the version that is published of each function: its name has the hash of what SAM compares."""
    return {one["FunctionName"]["Ref"]: name for name, one in resources("AWS::Lambda::Version", of).items()}


def released_by(changed: Json) -> set[str]:
    """Return the functions that a deployment of the changed template releases."""
    before, after = versions(translated_with_values()), versions(changed)
    return {function for function in before if before[function] != after[function]}


def reading(parameter: str) -> set[str]:
    """Return the functions whose environment has the parameter's value."""
    functions = resources("AWS::Lambda::Function", translated())
    reads = ({"Ref": parameter}, f"${{{parameter}}}")
    return {
        name
        for name, function in functions.items()
        for _, node in walk(function["Environment"])
        if node == reads[0] or (isinstance(node, str) and reads[1] in node)
    }


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("CorsAllowedOrigin", "https://shop.example"), ("RetryAfterSeconds", "7"), ("ReviewAfterSeconds", "77")],
)
def test_a_changed_parameter_releases_the_functions_that_read_it(parameter: str, value: str) -> None:
    assert reading(parameter)

    assert released_by(translated_with_values(**{parameter: value})) == reading(parameter)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("LogRetentionDays", "90"), ("AlarmEmail", "a@b.example"), ("DeniedCidrs", "198.51.100.0/24")],
)
def test_a_parameter_that_no_function_reads_releases_none(parameter: str, value: str) -> None:
    assert not reading(parameter)

    assert released_by(translated_with_values(**{parameter: value})) == set()


@pytest.mark.parametrize(("name", "value", "releases"), [("MemorySize", 1024, True), ("Timeout", 9, False)])
def test_more_memory_is_a_release_and_more_time_is_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int, releases: bool
) -> None:
    changed = copy.deepcopy(source())
    changed["Resources"]["PlaceOrderFunction"]["Properties"][name] = value
    released = versions(translated_with_values())
    monkeypatch.setattr(template, "source", lambda *_: changed)

    after = versions(translated_with_values.__wrapped__())

    assert {one for one in released if released[one] != after[one]} == ({"PlaceOrderFunction"} if releases else set())
