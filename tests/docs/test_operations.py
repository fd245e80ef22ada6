"""Every alarm has an entry in the runbook, every entry an alarm, and every command is one."""

import re
import shlex
import subprocess

import pytest
from botocore import xform_name
from botocore.session import Session

from tools.stack.stack import ROOT
from tools.testing.template import operations, resources, source

RUNBOOK = (ROOT / "docs/operations.md").read_text()
NOT_ENTRIES = {"set-up", "where-to-look", "put-an-alias-back", "code-storage", "one-caller-gets-403"}
ENTRIES = {
    heading.lower().replace(" ", "-"): body
    for heading, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
}
# As they stand, or in the value of a variable.
TYPED = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
AWS_COMMANDS = re.findall(r"^(?:[A-Z_]+=\$\()?(aws .*?)\)?$", TYPED, re.MULTILINE)
SET_UP = re.findall(r"```sh\n(.*?)```", ENTRIES["set-up"], re.DOTALL)[0]
# Options of the command line itself, not of a service.
OF_THE_CLI = {"query", "output"}
# Names that differ between the command line and the SDK.
SERVICES = {"deploy": "codedeploy"}


def entries_of_alarms() -> dict[str, str]:
    alarms = resources("AWS::CloudWatch::Alarm") | resources("AWS::CloudWatch::Alarm", operations())
    described = {name: alarm["AlarmDescription"] for name, alarm in alarms.items() if name.endswith("Alarm")}
    return {name: str(text).partition("docs/operations.md#")[2] for name, text in described.items()}


def test_every_alarm_names_its_entry() -> None:
    alarms = entries_of_alarms()

    assert alarms
    assert {name for name, entry in alarms.items() if entry not in ENTRIES} == set()


def test_every_entry_is_an_alarm_s() -> None:
    assert ENTRIES.keys() - NOT_ENTRIES == set(entries_of_alarms().values())


@pytest.mark.parametrize("entry", sorted(ENTRIES.keys() - NOT_ENTRIES))
def test_an_entry_says_how_urgent_it_is_what_it_means_how_to_look_and_what_to_do(entry: str) -> None:
    parts = re.findall(r"^\*\*(.*?)\.\*\*", ENTRIES[entry], re.MULTILINE)

    assert parts == ["Urgency", "Meaning", "Look", "Do"]
    assert re.search(r"^(aws|storefront|errors|lines) ", ENTRIES[entry], re.MULTILINE), (
        "there is a command to look with"
    )


@pytest.mark.parametrize("command", AWS_COMMANDS)
def test_an_aws_command_is_an_operation_with_what_it_needs(command: str) -> None:
    service, operation, *words = shlex.split(command)[1:]
    model = Session().get_service_model(SERVICES.get(service, service))
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations
    shape = model.operation_model(operations[operation]).input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    named = {word.removeprefix("--") for word in words if word.startswith("--")} - OF_THE_CLI
    # The command line has a second option for what may be off.
    options = {name if name in members else name.removeprefix("no-") for name in named}

    assert options <= members.keys()
    assert {name for name, member in members.items() if shape and member in shape.required_members} <= options


def test_the_log_groups_that_are_looked_into_are_the_template_s() -> None:
    groups = {group["LogGroupName"]["Fn::Sub"] for group in resources("AWS::Logs::LogGroup").values()}
    asked = set(re.findall(r"--log-group-name (\S+)", RUNBOOK)) - {
        f"/aws/{of}/$STACK/$1" for of in ("lambda", "apigateway")
    }
    asked |= {f"/aws/lambda/$STACK/{name}" for name in re.findall(r"^(?:errors|lines) (\S+)", RUNBOOK, re.MULTILINE)}
    asked |= {f"/aws/apigateway/$STACK/{name}" for name in re.findall(r"^access (\S+)", RUNBOOK, re.MULTILINE)}

    assert {group.replace("$STACK", "${AWS::StackName}") for group in asked} <= groups


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_every_variable_of_a_command_is_set_before_it_is_used() -> None:
    known = {"1", "2"}
    for line in commands():
        used = set(re.findall(r"(?<!\\)\$\{?(\w+)", re.sub(r"'[^']*'", "", line)))
        assert used <= known, line
        known |= set(re.findall(r"(?:^|\s)([A-Z_]+)=", line))


def test_every_query_of_logs_has_a_beginning() -> None:
    asked = [line for line in commands() if re.search(r"aws (logs (filter|start)|xray)", line)]

    assert asked
    assert [line for line in asked if not re.search(r"--start-time (\$FROM|\$\{FROM\}000) ", line)] == []


def test_the_resources_that_are_looked_up_are_the_template_s() -> None:
    named = set(re.findall(r"\$\(resource (\w+)\)", RUNBOOK))

    assert named <= source()["Resources"].keys()


def test_the_lines_are_a_shell_s() -> None:
    for line in ("\n".join(commands()), SET_UP):
        checked = subprocess.run(["bash", "-n"], input=line, capture_output=True, text=True, check=False)
        assert checked.stderr == ""
