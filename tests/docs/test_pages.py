"""The documentation says what the code does, and leads somewhere."""

import ast
import re
import subprocess
from functools import cache

import pytest

from tools.checks import pages
from tools.stack.differences import DIFFERENCES, READINGS, Difference, Reading
from tools.stack.stack import ROOT
from tools.testing.template import openapi, operations, source, walk

LESSONS = sorted({str(path.relative_to(ROOT)) for path in (ROOT / "lessons").rglob("*.md")} - {*pages.pages()})
READ = [*pages.pages(), *LESSONS, "CONTRIBUTING.md", "events/README.md", "tools/bench/README.md"]
MAX_COLUMNS = 100
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#([^)]*))?\)")


@pytest.mark.parametrize("page", pages.pages())
def test_tables_made_from_code_are_up_to_date(page: str) -> None:
    text = (ROOT / page).read_text()

    assert pages.rendered(text) == text, "run: storefront docs"


def test_every_table_is_on_a_page() -> None:
    texts = "".join((ROOT / page).read_text() for page in pages.pages())

    assert all(f"<!-- made from code: {name} -->" in texts for name in pages.TABLES)


@pytest.mark.parametrize("page", READ)
def test_a_line_is_narrow_unless_it_is_a_table_a_command_or_an_address(page: str) -> None:
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    wide = [line for line in text.splitlines() if len(line) > MAX_COLUMNS]

    assert [line for line in wide if not line.startswith("|") and "](" not in line] == []


@pytest.mark.parametrize("page", READ)
def test_sentences_say_what_is_and_who_does_it(page: str) -> None:
    # Quoted code keeps its words. Two backticks hold one.
    text = re.sub(r"``.*?``|`[^`]*`", "", (ROOT / page).read_text())

    assert re.findall(r"is no |that is no|nothing of|so many|what is no", text) == []
    assert re.findall(r"(?:^|[.!:*|] +)(?:What|Who|Whoever)\b[^?\n]*", text, re.MULTILINE) == []


@pytest.mark.parametrize("page", READ)
def test_every_link_leads_somewhere(page: str) -> None:
    path = ROOT / page
    for target, anchor in LINK.findall(path.read_text()):
        file = (path.parent / target).resolve()
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


TESTS = {
    node.name
    for path in (ROOT / "tests").rglob("test_*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef)
}


@pytest.mark.parametrize("page", pages.pages())
def test_every_test_that_is_named_is_one(page: str) -> None:
    text = (ROOT / page).read_text()

    assert set(re.findall(r"`(test_\w+)`", text)) <= TESTS
    assert [path for path in re.findall(r"`(tests/\S+?\.py)`", text) if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("page", READ)
def test_every_make_command_in_the_text_is_one(page: str) -> None:
    commands = set(re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", (ROOT / page).read_text(), re.MULTILINE))

    for command in {first or second for first, second in commands}:
        known = subprocess.run(["make", "--dry-run", command], cwd=ROOT, capture_output=True, check=False)
        assert known.returncode == 0, f"make {command}"


def test_make_alone_lists_the_commands() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for command in ("up", "down", "demo", "test", "clean"):
        assert re.search(rf"^  make {command} +\S", listed, re.MULTILINE)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.asked)
def test_every_local_difference_is_about_something_that_is_asked_for(difference: Difference) -> None:
    assert any(difference.where in words for words in asked_for())


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.here)
def test_every_reading_is_of_a_page_that_its_module_names(reading: Reading) -> None:
    assert reading.page in (ROOT / f"tools/stack/gateway/{reading.module}.py").read_text()


@cache
def asked_for() -> tuple[str, ...]:
    """Return what the template and the OpenAPI document say: each key, and each value with its key before it."""
    said = [found for document in (source(), operations(), openapi()) for found in walk(document) if found[0]]
    keys = {path[-1] for path, _ in said}
    values = {f"{path[-1]}: {value}" for path, value in said if not isinstance(value, dict | list)}
    return tuple(keys | values)
