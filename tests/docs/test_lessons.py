"""The pages of the course: short, complete, each command with its answer, each statement about AWS with a link."""

import re

import pytest
import yaml

from tools.lessons import index
from tools.lessons.page import Lesson, lessons, steps_of
from tools.stack.stack import ROOT
from tools.testing.template import source

LESSONS = lessons()
MAX_LINES, MAX_TEMPLATE_LINES, MAX_COLUMNS = 150, 120, 120
MADE_OF = {"README.md", "template.yaml", "openapi.yaml", "handler.py"}
PARTS = ["Break it", "Exercise", "On AWS", "Clean up", "Quiz"]

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def part(lesson: Lesson, heading: str) -> str:
    """The text under a heading."""
    return re.split(r"(?m)^## ", lesson.page.read_text().partition(f"\n## {heading}\n")[2])[0]


@each_lesson
def test_a_lesson_is_short_and_made_of_few_files(lesson: Lesson) -> None:
    assert {path.name for path in lesson.directory.iterdir()} <= MADE_OF
    assert len(lesson.page.read_text().splitlines()) <= MAX_LINES
    if lesson.template:
        lines = lesson.template.read_text().splitlines()
        assert len(lines) <= MAX_TEMPLATE_LINES
        assert [line for line in lines if len(line) > MAX_COLUMNS and "://" not in line and "arn:" not in line] == []


@each_lesson
def test_a_lesson_has_a_title_minutes_a_picture_and_all_its_parts(lesson: Lesson) -> None:
    text = lesson.page.read_text()

    assert text.startswith(f"# {lesson.number}. {lesson.title}\n")
    assert 5 <= lesson.minutes <= 20
    assert "```mermaid" in text
    headings = re.findall(r"(?m)^## (.*)$", text)
    numbered = [int(heading.partition(".")[0]) for heading in headings[: -len(PARTS)]]
    assert numbered == list(range(1, len(numbered) + 1))
    assert headings[-len(PARTS) :] == PARTS


@each_lesson
def test_each_block_of_commands_shows_an_answer(lesson: Lesson) -> None:
    blocks = re.findall(r"(?ms)^```console\n(.*?)^```$", lesson.page.read_text())

    assert len(blocks) >= 5
    for block in blocks:
        (step,) = steps_of(f"## A\n\n```console\n{block}```\n")
        assert block.startswith("$ ")
        assert any(command.expected for command in step.commands), block


@each_lesson
def test_the_fault_is_mended_and_the_exercise_solved_by_commands_that_run(lesson: Lesson) -> None:
    commands = {step.key: step.commands for step in lesson.steps}

    assert len(commands["break-it"]) >= 2
    assert commands["exercise"]
    assert part(lesson, "Exercise").partition("<details>")[0].count("```") == 0


@each_lesson
def test_every_block_of_commands_is_found_by_the_runner(lesson: Lesson) -> None:
    typed = re.findall(r"(?m)^\$ ", lesson.page.read_text())

    assert len(typed) == sum(len(step.commands) for step in lesson.steps)


@each_lesson
def test_on_aws_there_are_commands_and_links_and_the_quiz_has_three_questions(lesson: Lesson) -> None:
    assert 3 <= len(re.findall(r"(?m)^(?:aws|sam|curl|for) ", part(lesson, "On AWS"))) <= 4
    assert "](https://" in part(lesson, "On AWS")
    assert part(lesson, "Clean up").strip() == f"`storefront lesson {lesson.name} --down`"
    questions, _, answers = part(lesson, "Quiz").partition("<details>")
    assert re.findall(r"(?m)^(\d)\. .*", questions) == ["1", "2", "3"]
    assert re.findall(r"(?:^| )(\d)\. ", answers, re.MULTILINE) == ["1", "2", "3"]


@each_lesson
def test_links_go_to_pages_of_aws(lesson: Lesson) -> None:
    linked = re.findall(r"\]\((https?://[^)]+)\)", lesson.page.read_text())

    assert linked
    assert [
        link for link in linked if not re.match(r"https://(docs\.|repost\.)?aws\.(amazon\.com|[a-z]+)/", link)
    ] == []


@each_lesson
def test_a_template_names_no_resource_itself(lesson: Lesson) -> None:
    """Two stacks of one template, or a lesson beside the shop, would meet in a fixed name."""
    if lesson.template is None:
        return
    template = source(str(lesson.template))
    for name, resource in template["Resources"].items():
        names = [key for key in resource.get("Properties", {}) if re.fullmatch(r"(\w+)?Name", key)]
        fixed = {key for key in names if isinstance(resource["Properties"][key], str)}
        assert fixed - {"StageName"} == set() or resource["Type"] == "AWS::Lambda::Alias", name


def test_the_vpc_link_is_made_for_a_load_balancer_and_the_private_method_uses_it() -> None:
    template = source("lessons/04-integrations/template.yaml")
    document = yaml.safe_load((ROOT / "lessons/04-integrations/openapi.yaml").read_text())

    link = template["Resources"]["VpcLink"]
    condition, private, otherwise = document["paths"]["/private"]["Fn::If"]
    integration = private["get"]["x-amazon-apigateway-integration"]

    assert link["Condition"] == condition == "HasVpc"
    assert link["Properties"]["TargetArns"] == [{"Ref": "LoadBalancerArn"}]
    assert (integration["connectionType"], integration["connectionId"]) == ("VPC_LINK", {"Ref": "VpcLink"})
    assert otherwise == {"Ref": "AWS::NoValue"}


def test_the_policy_of_the_lesson_about_callers_names_one_vpc_endpoint_and_one_account() -> None:
    parameters = source("lessons/05-callers/template.yaml")["Parameters"]
    document = yaml.safe_load((ROOT / "lessons/05-callers/openapi.yaml").read_text())

    statements = {each["Resource"]: each for each in document["x-amazon-apigateway-policy"]["Statement"]}
    vpc, account = (statements[f"execute-api:/*/GET/{path}"] for path in ("vpc", "account"))

    assert vpc["Condition"] == {"StringEquals": {"aws:SourceVpce": {"Ref": "VpcEndpointId"}}}
    assert account["Principal"] == {"AWS": {"Ref": "OtherAccountId"}}
    assert {"VpcEndpointId", "OtherAccountId"} <= set(parameters)


def test_provisioned_concurrency_is_a_parameter_and_off_by_default() -> None:
    template = source("lessons/01-functions/template.yaml")

    assert template["Parameters"]["Provisioned"]["Default"] == "0"
    condition, kept, otherwise = template["Resources"]["Work"]["Properties"]["ProvisionedConcurrencyConfig"]["Fn::If"]
    assert template["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Provisioned"}, "0"]}]}
    assert kept == {"ProvisionedConcurrentExecutions": {"Ref": "Provisioned"}}
    assert otherwise == {"Ref": "AWS::NoValue"}


def test_every_step_of_every_lesson_shows_a_concept_of_the_index() -> None:
    shown = {(concept.lesson.name, concept.step.key) for concept in index.concepts()}

    missing = {(lesson.name, step.key) for lesson in LESSONS for step in lesson.steps if step.key.isdigit()} - shown
    assert missing == set()


def test_every_concept_of_the_index_leads_to_a_step_with_commands_to_what_differs_on_aws_or_to_the_quiz() -> None:
    found = index.concepts()

    assert len({concept.name for concept in found}) == len(found) > 40
    assert [each.name for each in found if not each.step.commands and each.step.key not in {"on-aws", "quiz"}] == []
