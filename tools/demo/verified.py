"""The record of which journeys `storefront smoke --record` has seen to work, where and when."""

import json
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime

from tools.console import Problem
from tools.demo.smoke import Outcome, Result
from tools.stack.stack import DEPLOYED_FILES, ROOT

RECORD = ROOT / "docs" / "verified.json"
_TRIED = ("src", "sandbox", "tools", *DEPLOYED_FILES, "samconfig.toml")

Record = dict[str, dict[str, dict[str, str]]]


def load() -> Record:
    """Return, by journey and place (``local`` or ``aws``): ``date``, ``commit`` and ``environment``."""
    record: Record = json.loads(RECORD.read_text())
    return record


def commit() -> str:
    """Return the commit that is about to be tried; a ``Problem`` says if there are changes that it does not have."""
    if _git("status", "--porcelain", "--", *_TRIED):
        raise Problem("only a commit can be recorded: commit your changes first, or leave --record out")
    return _git("rev-parse", "--short=12", "HEAD")


def write(results: Iterable[Result], tried: str, place: str, environment: str) -> None:
    """Write down the journeys that have passed, for the commit that was tried."""
    seen = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": tried, "environment": environment}
    record = load()
    for result in results:
        if result.outcome is Outcome.PASSED:
            record.setdefault(result.journey.name, {})[place] = seen
    RECORD.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def _git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if ran.returncode:
        raise Problem("only a commit can be recorded, and this is not a git repository: leave --record out")
    return ran.stdout.strip()
