"""Runs mutmut (`[tool.mutmut]` in pyproject.toml) and writes which mutations no test notices."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

from tools.console import Problem
from tools.environments import MUTATION
from tools.markdown import table
from tools.stack.stack import ROOT

PAGE = ROOT / "docs/maintaining/mutation.md"
# A whole run takes hours; it goes on where an earlier one stopped.
TIMEOUT_SECONDS = 5 * 60 * 60
OPEN, EQUIVALENT = "open", "equivalent"

_BEGIN = "<!-- storefront mutate writes what follows, but for the verdicts -->\n"
_RESULT = re.compile(r"^ +(?P<name>\S+): (?P<status>.+)$", re.MULTILINE)
_NOTICED = {"killed", "timeout"}
_NOT_TRIED = "not checked"
# A function's is `x_function`, a method's `xǁClassǁmethod`.
_NAME = re.compile(r"^storefront\.(?P<part>\w+)\..*?x(?:_|ǁ(?P<owner>[^ǁ.]+)ǁ)(?P<function>[^ǁ.]+)__mutmut_\d+$")
_HUNK = re.compile(r"^@@ -.*\n", re.MULTILINE)
_ROW = re.compile(
    r"^\| `(?P<path>[^:`]+): (?P<function>[^`]+)` \| (?P<mutation>.*) \| (?P<verdict>.*?) \|$", re.MULTILINE
)


@dataclass(frozen=True, order=True)
class Survivor:
    """A mutation that no test notices."""

    path: str
    function: str
    mutation: str


def run(*mutants: str) -> int:
    """Run the mutations, or those of some patterns, and write the page; return 0 if it had every survivor.

    Results of earlier runs count until the code changes.
    """
    _mutmut("run", *mutants)
    found = _RESULT.finditer(_mutmut("results", "--all", "true"))
    statuses = {each["name"]: each["status"] for each in found}
    unnoticed = [name for name, status in statuses.items() if status not in {*_NOTICED, _NOT_TRIED}]
    survivors = {name: survivor_in(_mutmut("show", name), name) for name in unnoticed}
    before = PAGE.read_text()
    PAGE.write_text(page(before, survivors, statuses))
    return 0 if verdicts(before).keys() >= set(survivors.values()) else 1


def verdicts(text: str) -> dict[Survivor, str]:
    """Return the verdicts of a page."""
    return {Survivor(row["path"], row["function"], row["mutation"]): row["verdict"] for row in _ROW.finditer(text)}


def page(before: str, survivors: Mapping[str, Survivor], statuses: Mapping[str, str]) -> str:
    """Return a page with the score of each part and the survivors, each with the verdict that it had, or as open.

    Parameters
    ----------
    before
        The page until now.
    survivors
        By mutmut's names for them.
    statuses
        How each mutation fared, by its name.
    """
    known = verdicts(before)
    judged = {name: known.get(survivor, OPEN) for name, survivor in survivors.items()}
    scores = table(("part", "tried", "noticed", "equivalent", "score", "not tried"), _scores(statuses, judged))
    listed = sorted({(survivors[name], verdict) for name, verdict in judged.items()})
    rows = ((f"`{each.path}: {each.function}`", each.mutation, verdict) for each, verdict in listed)
    return f"{before.partition(_BEGIN)[0]}{_BEGIN}{scores}\n{table(('where', 'mutation', 'verdict'), rows)}"


def survivor_in(diff: str, name: str) -> Survivor:
    """Return the survivor that `mutmut show` prints: a function without and with the mutation.

    ``name`` is mutmut's for the mutant, such as `storefront.identity.x_customer_of__mutmut_1`.
    """
    head, hunk = _HUNK.split(diff, maxsplit=1)
    path = next(line.removeprefix("--- ") for line in head.splitlines() if line.startswith("--- "))
    old, new = (" ".join(line[1:].strip() for line in hunk.splitlines() if line.startswith(sign)) for sign in "-+")
    found = _parts_of(name)
    function = ".".join(filter(None, (found["owner"], found["function"])))
    before, after = map(_code, _changed(old, new))
    return Survivor(path.removeprefix("src/storefront/"), function, f"{before} becomes {after}")


def _scores(statuses: Mapping[str, str], judged: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Return a row for each part: of the mutations that were tried and a test could notice, how many are noticed."""
    tried = Counter(_parts_of(name)["part"] for name, status in statuses.items() if status != _NOT_TRIED)
    rest = Counter(_parts_of(name)["part"] for name, status in statuses.items() if status == _NOT_TRIED)
    noticed = Counter(_parts_of(name)["part"] for name, status in statuses.items() if status in _NOTICED)
    same = Counter(_parts_of(name)["part"] for name, verdict in judged.items() if verdict.startswith(EQUIVALENT))
    for part in sorted(tried | rest):
        could_be = tried[part] - same[part]
        score = f"{100 * noticed[part] / could_be:.1f} %" if could_be else ""
        yield part, str(tried[part]), str(noticed[part]), str(same[part]), score, str(rest[part])


def _parts_of(name: str) -> re.Match[str]:
    found = _NAME.match(name)
    if not found:
        raise Problem(f"mutmut names a mutant {name}, which says no function: adapt {__name__}")
    return found


def _changed(old: str, new: str) -> tuple[str, str]:
    """Return the words that differ between two texts."""
    one, other = old.split(), new.split()
    start = _equal(one, other)
    one, other = one[start:], other[start:]
    end = _equal(one[::-1], other[::-1])
    return " ".join(one[: len(one) - end]), " ".join(other[: len(other) - end])


def _equal(one: list[str], other: list[str]) -> int:
    """Return how many words are equal before the first that differ."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _code(text: str) -> str:
    """Return code for a cell of a table; two backticks hold one."""
    return f"`` {text} ``".replace("|", r"\|") if text else "nothing"


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
