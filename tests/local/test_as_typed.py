"""Every line of the pages' shell blocks runs as it is typed: here or in the test that is named, or it says why not."""

import json
import re
from collections.abc import Iterable

import pytest

from tests.local.conftest import Typed
from tools.demo.api_client import ApiClient
from tools.rehearsal.rollout import ALARMED
from tools.stack.stack import ROOT, Stack

PAGES = [
    *("README.md", "CONTRIBUTING.md", "events/README.md", "tools/bench/README.md"),
    *("lessons/README.md", "lessons/403.md"),
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))),
]
# The tests that run all lines of a page.
WHOLE_PAGES = {
    "docs/add-a-route.md": "tests/pages/test_add_a_route.py",
    "docs/make-it-yours.md": "tests/pages/test_make_it_yours.py",
    "docs/operations.md": "tests/local/test_operations.py",
    "docs/remove-a-part.md": "tests/pages/test_remove_a_part.py",
}
# The tests that run a line, with words of theirs that do.
TESTED = {
    "make up": ("tests/local/test_up.py", 'typed("make up")'),
    "make demo": ("tests/local/test_demo.py", 'typed("make demo")'),
    "make build": ("tests/build/test_build.py", 'recipe_of("build")'),
    r"storefront replay": ("tests/local/test_replay.py", 'typed("storefront replay")'),
    "storefront smoke": ("tests/local/test_smoke.py", 'typed("storefront smoke")'),
    "storefront rollout": ("tests/local/test_rollout.py", '[COMMAND, "rollout"]'),
    r"\.venv/bin/storefront up --watch": ("tests/local/test_watch.py", '"up", "--watch"'),
    r"\.venv/bin/sam deploy": ("tests/workflows/test_sam_deploy.py", 'asked_for(".venv/bin/sam deploy"'),
    r"storefront bootstrap .*": ("tests/workflows/test_sam_deploy.py", "-m tools bootstrap"),
    r"storefront (replay --target sam|sam-local)|sam local .*|cd .*|eval .*": (
        "tests/sam_local/test_as_typed.py",
        "sam_local.commands(",
    ),
    r"storefront lesson cache --(pause|up|down)|eval .*env cache.*": ("tests/local/test_lessons.py", '"--pause"'),
    r"grep .*": ("tests/docs/test_lesson_403.py", "subprocess.run(command, shell=True"),
}
# tests/docs holds commands and options of the first against the models of AWS and the command line.
NOT_RUN = {
    r"aws .*|export STACK.*|storefront .* --stack .*": "needs an account on AWS",
    r"gh .*": "needs a repository on GitHub",
    r"make test|\.venv/bin/storefront check|.*\.venv/bin/python -m pytest .*": "runs this test, or for minutes",
    r"storefront bench .*": "measures for minutes",
}


def typed_in(page: str) -> list[str]:
    """Return the lines of a page's shell blocks, without the comments behind them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines() if line]


def fits(patterns: Iterable[str], line: str) -> bool:
    return any(re.fullmatch(pattern, line) for pattern in patterns)


LINES = [line for page in PAGES if page not in WHOLE_PAGES for line in typed_in(page)]
HERE = [line for line in dict.fromkeys(LINES) if not fits([*TESTED, *NOT_RUN], line)]
PASSWORD = "a-Password-of-a-test-1"


@pytest.mark.parametrize("pattern", [*TESTED, *NOT_RUN])
def test_an_exception_is_for_a_line_that_there_is(pattern: str) -> None:
    assert any(re.fullmatch(pattern, line) for line in LINES)


@pytest.mark.parametrize(("test", "words"), [*TESTED.values(), *((test, page) for page, test in WHOLE_PAGES.items())])
def test_a_test_that_is_named_runs_the_line(test: str, words: str) -> None:
    assert words in (ROOT / test).read_text()


def test_the_other_lines_work_in_their_order(typed: Typed, stack: Stack, customer: ApiClient) -> None:
    # Given the names that the pages leave open
    known = {"ord-...": str(customer.order({"MUG-001": 1}).json()["orderId"])}
    answers = {"sign-up": PASSWORD, "sign-in": PASSWORD, "chat": "/quit"}
    exit_codes = {"storefront rollout --bad 1": ALARMED}

    for line in HERE:
        wanted = " ".join(known.get(word, word) for word in line.split(" "))
        answer = next((answer for word, answer in answers.items() if word in wanted), "")
        printed = typed(wanted, answer + "\n", exit_codes.get(line, 0))
        if printed.startswith("sfp_"):
            known["ID"] = printed.split("_")[1]
        if "sign-in" in line:
            answers["refresh"] = json.loads(printed)["RefreshToken"]

    # And the catalogue is as before
    typed("storefront put-product MUG-001 --price 1400")
    table = stack.outputs["ProductsTableName"]
    stack.client("dynamodb").delete_item(TableName=table, Key={"sku": {"S": "PAD-001"}})
    assert len(HERE) > 10
