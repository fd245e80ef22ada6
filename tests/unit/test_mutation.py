"""The mutation run's page: a score for each part, and each survivor with its place and its verdict."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.checks import mutation
from tools.checks.mutation import OPEN, Survivor, page, survivor_in, verdicts
from tools.testing.template import ROOT

SURVIVOR = Survivor("identity.py", "customer_of", "`` or `` becomes `` and ``")
IDENTITY = "src/storefront/identity.py"
TOKEN = "src/storefront/partners/token.py"
OF_A_FUNCTION = "storefront.identity.x_customer_of__mutmut_1"
OF_A_METHOD = "storefront.partners.token.xǁPartnerǁowns__mutmut_2"
COLLECTED = """
import json, sys, pytest
class Ids:
    def pytest_collection_modifyitems(self, items):
        self.found = [item.nodeid for item in items]
seen = []
for _ in range(2):
    ids = Ids()
    pytest.main(["-qqq", "--collect-only", *sys.argv[1:]], plugins=[ids])
    seen.append(ids.found)
print()
print(json.dumps(seen))
"""


def diff_of(path: str, old: str, new: str) -> str:
    """Return what `mutmut show` prints."""
    return f"# shown\n--- {path}\n+++ {path}\n@@ -1,9 +1,9 @@\n def function():\n-    {old}\n+    {new}\n"


@pytest.mark.parametrize(
    ("name", "path", "function", "old", "new", "mutation"),
    [
        (OF_A_FUNCTION, IDENTITY, "customer_of", "if not x", "if x", "`` not `` becomes nothing"),
        (OF_A_METHOD, TOKEN, "Partner.owns", "return a and b", "return a or b", "`` and `` becomes `` or ``"),
        (OF_A_METHOD, TOKEN, "Partner.owns", "call(a, b=True)", "call(a, )", "`` b=True) `` becomes `` ) ``"),
        (OF_A_METHOD, TOKEN, "Partner.owns", "x = a | b", "x = a & b", r"`` \| `` becomes `` & ``"),
        (OF_A_METHOD, TOKEN, "Partner.owns", "call(a, b)", "call(a, None)", "`` b) `` becomes `` None) ``"),
        (OF_A_METHOD, TOKEN, "Partner.owns", "a: 1, b: 1", "a: 1, b: 2", "`` 1 `` becomes `` 2 ``"),
    ],
)
def test_a_survivor_is_a_change_of_a_function(
    name: str, path: str, function: str, old: str, new: str, mutation: str
) -> None:
    found = survivor_in(diff_of(path, old, new), name)

    assert found == Survivor(path.removeprefix("src/storefront/"), function, mutation)


def test_a_survivor_without_a_verdict_is_open_and_a_verdict_is_kept() -> None:
    statuses = {OF_A_FUNCTION: "survived"}
    first = page("# Prose\n", {OF_A_FUNCTION: SURVIVOR}, statuses)
    judged = first.replace(f"| {OPEN} |", "| equivalent: they are the same |")

    again = page(judged, {OF_A_FUNCTION: SURVIVOR}, statuses)

    assert again.startswith("# Prose\n")
    assert verdicts(first) == {SURVIVOR: OPEN}
    assert verdicts(again) == {SURVIVOR: "equivalent: they are the same"}


def test_a_score_is_of_what_was_tried_and_can_be_noticed() -> None:
    method = OF_A_METHOD.removesuffix("2")
    statuses = {
        f"{method}1": "killed",
        f"{method}2": "timeout",
        f"{method}3": "survived",
        f"{method}4": "no tests",
        f"{method}5": "survived",
        f"{method}6": "not checked",
        OF_A_FUNCTION: "killed",
    }
    others = {name: Survivor("partners/token.py", "Partner.owns", name) for name in (f"{method}4", f"{method}5")}
    judged = f"| `identity.py: customer_of` | {SURVIVOR.mutation} | equivalent |"

    written = page(judged, {f"{method}3": SURVIVOR, **others}, statuses)

    assert "| identity | 1 | 1 | 0 | 100.0 % | 0 |" in written
    assert "| partners | 5 | 2 | 1 | 50.0 % | 1 |" in written


def test_a_test_has_the_same_id_each_time_it_is_collected() -> None:
    # mutmut collects once, and calls tests by their ids in forks of that process: an id that is not found fails, and
    # would count as a mutation that is noticed.
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    command = [sys.executable, "-c", COLLECTED, *settings["pytest_add_cli_args_test_selection"]]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    first, second = json.loads(ran.stdout.splitlines()[-1])
    assert len(first) > 400
    assert first == second


@pytest.mark.parametrize(("known", "status"), [(True, 0), (False, 1)])
def test_a_run_fails_for_a_survivor_that_the_page_did_not_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: bool, status: int
) -> None:
    results = f"    {OF_A_FUNCTION}: survived\n    {OF_A_METHOD}: timeout\n"
    said = {"run": "", "results": results, "show": diff_of(IDENTITY, "a", "b")}
    monkeypatch.setattr(mutation, "_mutmut", lambda command, *_: said[command])
    monkeypatch.setattr(mutation, "PAGE", tmp_path / "mutation.md")
    mutation.PAGE.touch()
    if known:
        mutation.run()

    assert mutation.run() == status
    assert "`identity.py: customer_of`" in mutation.PAGE.read_text()
