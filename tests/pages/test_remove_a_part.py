"""docs/remove-a-part.md: a copy of the project without the example's part is whole, and names it nowhere."""

import re
import textwrap

import pytest

from tests.support.checkout import Checkout
from tools.stack.stack import ROOT

PAGE = (ROOT / "docs/remove-a-part.md").read_text()
(REMOVE, CHECK) = (
    re.sub(r"(?m)^ +", "", block) for block in re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
)
(WORD,) = re.findall(r"^storefront remove (\w+?)s?$", REMOVE, re.MULTILINE)
# Sentences of the pages are for a person; lessons, and records of measurements and trials, stay.
PROSE = [":!docs", ":!lessons", ":!*.md", ":!tools/bench/report*"]
TESTS = (
    "tests/template tests/contract/test_handlers.py tests/unit/test_events.py "
    "tests/unit/rollout tests/bench/test_cold.py tests/observability/test_dashboard.py tests/unit/histories"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy where everything has been done that the page says, but for the sentences of pages."""
    checkout = Checkout.of(tmp_path_factory.mktemp("checkout") / "copy")
    listed = checkout.run(REMOVE)
    left = re.findall(r"(?m)^  (\w\S*):\d+$", listed)
    assert {file for file in left if not file.endswith((".md", ".jsonl"))} == {"openapi.yaml", "template.yaml"}
    replaced(checkout, "openapi.yaml", f"a {WORD} `Bearer` and the {WORD} token, ", "")
    rehearsal = "tools/rehearsal/rehearsal.py"
    assert f"{rehearsal}:" in checkout.ended(CHECK).stdout
    replaced(checkout, rehearsal, "(versions.handler, stack)", "(versions.handler)")
    replaced(checkout, rehearsal, "(handler: str, stack: Stack)", "(handler: str)")
    template = checkout.directory / "template.yaml"
    plans = re.compile(r"(?m)^(?:  # Limits of .*\n)?  (Bronze|Gold)Plan(Id: .*\n|:\n(    .*\n)+\n?)")
    kept, cut = plans.subn("", template.read_text())
    assert cut == 4
    wide = re.compile(r"(?m)^( +)(PublishOrderEvents, .{100,})$")
    template.write_text(wide.sub(lambda line: textwrap.indent(textwrap.fill(line[2], 110), line[1]), kept))
    for name in "rw":
        replaced(
            checkout, "operations.yaml", f"{name}0, {name}1, {name}2, {name}3, {name}4", f"{name}0, {name}1, {name}4"
        )
    checkout.run("storefront format")
    return checkout


def replaced(checkout: Checkout, file: str, old: str, new: str) -> None:
    path = checkout.directory / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_nothing_names_the_part(checkout: Checkout) -> None:
    assert checkout.ended(f"git grep --ignore-case {WORD} -- {' '.join(map(repr, PROSE))}").stdout == ""
    assert not list(checkout.directory.glob(f"src/**/*{WORD}*"))


def test_the_checks_pass(checkout: Checkout) -> None:
    checkout.run(CHECK)
    checkout.run("ruff format --check . && sam validate --lint --template-file template.yaml --region us-east-1")


def test_the_tests_of_functions_events_and_template_pass(checkout: Checkout) -> None:
    checkout.run(f".venv/bin/python -m pytest -q -n 2 {TESTS}", HISTORIES="50")


def test_the_shop_runs(checkout: Checkout) -> None:
    try:
        checkout.run("make up && make demo", STOREFRONT_PORT="0")
    finally:
        checkout.run("make down")
