"""The mutation run's page: each survivor with its place, and with the verdict that it had."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.checks import mutation
from tools.checks.mutation import OPEN, Survivor, page, survivor_in, verdicts
from tools.testing.template import ROOT

SURVIVOR = Survivor("identity.py", 57, "`` a or b `` becomes `` a and b ``")
IDENTITY, TOKEN = "src/storefront/identity.py", "src/storefront/partners/token.py"
OF_A_FUNCTION = "storefront.identity.x_partner_id_of__mutmut_1"
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
COUNTS = "Of 2 mutations the tests notice 1."


def diff_of(path: str, old: str, new: str, *before: str) -> str:
    """Return what `mutmut show` prints: a function from its first line, in the end the changed one."""
    context = "".join(f" {line}\n" for line in before)
    return f"# shown\n--- {path}\n+++ {path}\n@@ -1,9 +1,9 @@\n{context}-    {old}\n+    {new}\n"


@pytest.mark.parametrize(
    ("name", "path", "old", "new"),
    [
        (OF_A_FUNCTION, IDENTITY, "if not isinstance", "if isinstance"),
        (OF_A_METHOD, TOKEN, "return token.partner_id == self.id and", "return token.partner_id == self.id or"),
    ],
)
def test_a_survivor_is_a_change_of_a_file(name: str, path: str, old: str, new: str) -> None:
    found = survivor_in(diff_of(path, old, new), name)

    assert found.path == path.removeprefix("src/storefront/")
    assert found.mutation == f"`` {old} `` becomes `` {new} ``"


def test_a_line_is_counted_from_the_file_s_first() -> None:
    old = "return token.partner_id == self.id and any"
    lines = (ROOT / TOKEN).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, start=1) if old in line]

    assert survivor_in(diff_of(TOKEN, old, "return True", "def owns", "a docstring"), OF_A_METHOD).line == number


def test_a_survivor_without_a_verdict_is_open_and_a_verdict_is_kept() -> None:
    first = page("# Prose\n", [SURVIVOR], "Of 1 mutation the tests notice 0.")
    judged = first.replace(f"| {OPEN} |", "| equivalent: they are the same |")
    moved = Survivor(SURVIVOR.path, 60, SURVIVOR.mutation)

    again = page(judged, [moved], COUNTS)

    assert again.startswith("# Prose\n")
    assert COUNTS in again
    assert "Of 1 mutation" not in again
    assert f"| {SURVIVOR.mutation} | {OPEN} |" in first
    assert f"| `identity.py:60` | {SURVIVOR.mutation} | equivalent: they are the same |" in again


def test_a_bar_in_the_code_does_not_end_the_cell() -> None:
    survivor = survivor_in(diff_of(IDENTITY, "a | b", "a & b"), OF_A_FUNCTION)

    assert verdicts(page("", [survivor], COUNTS)) == {survivor.key: OPEN}


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
    results = f"    {OF_A_FUNCTION}: survived\n    another: timeout\n"
    said = {"run": "", "results": results, "show": diff_of(IDENTITY, "a", "b")}
    monkeypatch.setattr(mutation, "_mutmut", lambda command, *_: said[command])
    monkeypatch.setattr(mutation, "_counts", lambda _: COUNTS)
    monkeypatch.setattr(mutation, "PAGE", tmp_path / "mutation.md")
    mutation.PAGE.touch()
    if known:
        mutation.run()

    assert mutation.run() == status
    assert "identity.py:" in mutation.PAGE.read_text()
