"""Runs mutmut (`[tool.mutmut]` in pyproject.toml) and writes which mutations no test notices."""

import ast
import json
import re
import subprocess
import textwrap
from dataclasses import dataclass

from tools.console import Problem
from tools.environments import MUTATION
from tools.markdown import table
from tools.stack.stack import ROOT

PAGE = ROOT / "docs/maintaining/mutation.md"
# A whole run takes hours; it goes on where an earlier one stopped.
TIMEOUT_SECONDS = 5 * 60 * 60
OPEN = "open"

_BEGIN = "<!-- storefront mutate writes what follows, but for the verdicts -->\n"
_RESULT = re.compile(r"^\s+(?P<name>\S+): (?P<status>survived|no tests|suspicious|segfault)$", re.MULTILINE)
_UNCHECKED = re.compile(r"^\s+storefront\.(\S+)\.[^.\s]+: not checked$", re.MULTILINE)
# A function's is `x_function`, a method's `xǁClassǁmethod`.
_NAME = re.compile(r"(?:x_|xǁ(?P<owner>[^ǁ.]+)ǁ)(?P<function>[^ǁ.]+)__mutmut_\d+$")
_HUNK = re.compile(r"^@@ -(\d+).*\n", re.MULTILINE)
_ROW = re.compile(r"^\| `(?P<path>[^`]+):\d+` \| (?P<mutation>.*) \| (?P<verdict>.*?) \|$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Survivor:
    """A mutation that no test notices."""

    path: str
    line: int
    mutation: str

    @property
    def key(self) -> tuple[str, str]:
        """The identity of a mutation, without line numbers, which move."""
        return self.path, self.mutation


def run(*mutants: str) -> int:
    """Run the mutations, or those of some patterns, and write the page; return 0 if it had every survivor.

    Results of earlier runs count until the code changes.
    """
    _mutmut("run", *mutants)
    results = _mutmut("results")
    names = [found["name"] for found in _RESULT.finditer(results)]
    survivors = sorted(survivor_in(_mutmut("show", name), name) for name in names)
    before = PAGE.read_text()
    PAGE.write_text(page(before, survivors, _counts(results)))
    return 0 if all(survivor.key in verdicts(before) for survivor in survivors) else 1


def verdicts(text: str) -> dict[tuple[str, str], str]:
    """Return the verdicts of a page by path and mutation."""
    return {(row["path"], row["mutation"]): row["verdict"] for row in _ROW.finditer(text)}


def page(before: str, survivors: list[Survivor], counts: str) -> str:
    """Return a page with these survivors, each with the verdict that it had before or as open."""
    known = verdicts(before)
    rows = ((f"`{each.path}:{each.line}`", each.mutation, known.get(each.key, OPEN)) for each in survivors)
    return f"{before.partition(_BEGIN)[0]}{_BEGIN}{counts}\n\n{table(('where', 'mutation', 'verdict'), rows)}"


def survivor_in(diff: str, name: str) -> Survivor:
    """Return the survivor that `mutmut show` prints: a function without and with the mutation.

    The lines of the diff are counted from the function's first; ``name`` is mutmut's for the mutant, such as
    `storefront.identity.x_customer_of__mutmut_1`.
    """
    head, start, hunk = _HUNK.split(diff, maxsplit=1)
    path = next(line.removeprefix("--- ") for line in head.splitlines() if line.startswith("--- "))
    lines = hunk.splitlines()
    offset = int(start) - 1 + next((number for number, line in enumerate(lines) if line.startswith("-")), 0)
    old, new = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    line = _first_line((ROOT / path).read_text(), name) + offset
    return Survivor(path.removeprefix("src/storefront/"), line, f"{_code(old)} becomes {_code(new)}")


def _code(text: str) -> str:
    """Return code for a cell of a table; two backticks hold one."""
    return f"`` {text} ``".replace("|", r"\|") if text else "nothing"


def _first_line(source: str, name: str) -> int:
    """Return the first line of the function that a mutant was made from."""
    found = _NAME.search(name)
    if not found:
        raise Problem(f"mutmut names a mutant {name}, which says no function: adapt {__name__}")
    tree = ast.parse(source)
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == found["owner"])
    body = next((node.body for node in classes), tree.body)
    made_from = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == found["function"])
    return min([made_from.lineno, *(decorator.lineno for decorator in made_from.decorator_list)])


def _counts(results: str) -> str:
    """Return how many mutations the tests notice, and which modules have some that no run has tried."""
    _mutmut("export-cicd-stats")
    counts = json.loads((ROOT / "mutants" / "mutmut-cicd-stats.json").read_text())
    total = counts.pop("total")
    checked = sum(counts.values())
    modules = ", ".join(f"`{module}`" for module in sorted(set(_UNCHECKED.findall(results))))
    rest = f" {total - checked} more are not checked yet, in {modules}." if modules else ""
    noticed = counts["killed"] + counts["timeout"]
    return textwrap.fill(f"Of {checked} mutations the tests notice {noticed}.{rest} These survive:", 100)


def _mutmut(*arguments: str) -> str:
    program = MUTATION.directory / "bin" / "mutmut"
    try:
        done = subprocess.run(
            [str(program), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as expired:
        raise Problem(f"mutmut took more than {TIMEOUT_SECONDS // 60} minutes: run it again, it goes on") from expired
    if done.returncode:
        raise Problem(f"mutmut {arguments[0]} failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout
