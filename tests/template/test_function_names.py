"""A function has one name, in the template, in the code, in the logs and among the sample events."""

import pytest

from tools.stack.function_name import kebab_of, logical_id_of, module_of
from tools.testing.template import ROOT, resources

FUNCTIONS = resources("AWS::Lambda::Function")


def test_a_name_is_spelled_in_three_ways() -> None:
    assert kebab_of("PlaceOrderFunction") == "place-order"
    assert module_of("PlaceOrderFunction") == "place_order"
    assert logical_id_of("place-order") == logical_id_of("place_order") == "PlaceOrderFunction"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_template_calls_a_function_one(function: str) -> None:
    assert function.endswith("Function")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_s_module_has_its_name(function: str) -> None:
    *_, module, handler = FUNCTIONS[function]["Handler"].split(".")

    assert (module, handler) == (module_of(function), "handler")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_s_log_group_has_its_name(function: str) -> None:
    group = resources("AWS::Logs::LogGroup")[FUNCTIONS[function]["LoggingConfig"]["LogGroup"]["Ref"]]

    assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}/{kebab_of(function)}"}


def test_the_folders_of_sample_events_have_the_functions_names() -> None:
    folders = {path.name for path in (ROOT / "events").iterdir() if path.is_dir()}

    assert folders == {kebab_of(function) for function in FUNCTIONS}
