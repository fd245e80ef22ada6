"""A name that a template uses and does not have is found before anything is deployed."""

import shutil
from pathlib import Path

import pytest

from tools.console import Problem
from tools.stack import lifecycle, references
from tools.stack.emulator import Emulator
from tools.stack.stack import DEPLOYED_FILES, ROOT

# In which file, what is there, what takes its place, and the name that is then missing.
BREAKS = {
    "Ref to an alarm of a release": (
        "template.yaml",
        "!Ref GetProductAliasAlarm]",
        "!Ref NoSuchAlarm]",
        "NoSuchAlarm is not in Resources or Parameters",
    ),
    "GetAtt": (
        "template.yaml",
        "!GetAtt GetProductRole.Arn",
        "!GetAtt GetProductRoll.Arn",
        "GetProductRoll is not in Resources",
    ),
    "GetAtt in a loop": (
        "template.yaml",
        '!GetAtt [!Sub "${Function}Logs", Arn]',
        '!GetAtt [!Sub "${Function}Log", Arn]',
        "ShowHistoryLog is not in Resources",
    ),
    "Ref in a loop": (
        "template.yaml",
        '{Ref: !Sub "${Function}Policy"}',
        '{Ref: !Sub "${Function}Polity"}',
        "GetProductPolity is not in Resources or Parameters",
    ),
    "Sub": ("template.yaml", "https://${RestApi}.", "https://${RestApy}.", "RestApy is not in Resources"),
    "pseudo parameter": ("template.yaml", "${AWS::URLSuffix}", "${AWS::Suffix}", "AWS::Suffix is not in Resources"),
    "Condition": ("template.yaml", "Condition: HasSandbox", "Condition: HasSand", "HasSand is not in Conditions"),
    "condition of a condition": ("template.yaml", "!Condition IsProd", "!Condition Prod", "Prod is not in Conditions"),
    "If": ("template.yaml", "!If [ReservesConcurrency,", "!If [Reserves,", "Reserves is not in Conditions"),
    "FindInMap": ("template.yaml", "!FindInMap [Throttling,", "!FindInMap [Limits,", "Limits is not in Mappings"),
    "DependsOn": (
        "template.yaml",
        "DependsOn: RestApiExecutionLogs",
        "DependsOn: RestApiExecution",
        "RestApiExecution is not in Resources",
    ),
    "DependsOn of an alias": (
        "template.yaml",
        "GetProductFunctionAliaslive",
        "GetProductFunctionAliaslife",
        "GetProductFunctionAliaslife is not in Resources",
    ),
    "nested template": ("operations.yaml", "!Ref AlarmTopic", "!Ref AlarmTopik", "AlarmTopik is not in Resources"),
    "included document": (
        "openapi.yaml",
        "${GetProductFunction.Alias}",
        "${GetProduct.Alias}",
        "GetProduct is not in Resources or Parameters",
    ),
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    for name in DEPLOYED_FILES:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path / "template.yaml"


def test_the_project_s_templates_have_what_they_name() -> None:
    assert references.dangling() == []


@pytest.mark.parametrize(("file", "there", "instead", "missing"), BREAKS.values(), ids=BREAKS)
def test_a_name_that_is_not_there_is_named_with_its_line(
    template: Path, file: str, there: str, instead: str, missing: str
) -> None:
    changed = template.with_name(file)
    lines = changed.read_text().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if there in line)
    lines[number] = lines[number].replace(there, instead)
    changed.write_text("".join(lines))

    found = references.dangling(template)

    mine = [line for line in found if missing in line]
    assert mine
    # An attribute of a resource is found at the resource's first line
    assert {line.split(":")[0] for line in found} == {file}
    assert 0 <= number + 1 - int(mine[0].split(":")[1]) <= 2


def test_a_local_value_of_a_text_is_not_missing(template: Path) -> None:
    template.write_text(template.read_text().replace("{Kind: !Select", "{Kinds: !Select"))

    assert any("Kind is not in" in line for line in references.dangling(template))


def test_a_file_that_is_not_yaml_is_named_with_its_line(template: Path) -> None:
    lines = template.read_text().splitlines()
    template.write_text("\n".join([*lines[:99], "  - {", *lines[99:]]))

    with pytest.raises(Problem, match=r"^template\.yaml:\d+: "):
        references.require_none(template)


def test_up_refuses_an_alarm_that_does_not_exist_and_starts_nothing(template: Path, tmp_path: Path) -> None:
    template.write_text(template.read_text().replace("!Ref GetProductAliasAlarm]", "!Ref NoSuchAlarm]"))
    state = tmp_path / "state"

    with pytest.raises(Problem, match=r"^template\.yaml:\d+: NoSuchAlarm is not in Resources or Parameters$"):
        lifecycle.bring_up(0, state, template)

    assert not Emulator(state).is_running()
