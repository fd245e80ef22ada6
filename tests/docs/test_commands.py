"""Every command explains itself on a terminal of 80 columns, and the pages name commands and options that there are."""

import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
import typer

from tools import cli
from tools.checks import pages
from tools.stack.stack import ROOT

STOREFRONT: Any = typer.main.get_command(cli.app)
# Lines to type, and commands in the text.
TYPED = re.compile(r"^(?:\.venv/bin/)?storefront( .*)$|`(?:\.venv/bin/)?storefront( [^`]*)`", re.MULTILINE)
LESSONS = sorted({str(path.relative_to(ROOT)) for path in (ROOT / "lessons").rglob("*.md")} - {*pages.pages()})
PAGES = [*pages.pages(), *LESSONS, "CONTRIBUTING.md", "events/README.md", "tools/bench/README.md"]


def commands(group: Any, *names: str) -> Iterator[tuple[str, ...]]:
    yield names
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *names, name)


@pytest.mark.parametrize("names", list(commands(STOREFRONT)), ids=" ".join)
def test_help_fits_80_columns_and_cuts_nothing(names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = io.StringIO()

    with redirect_stdout(printed), pytest.raises(SystemExit, match="0"):
        raise SystemExit(cli.run(*names, "--help") or 0)

    lines = printed.getvalue().splitlines()
    assert len(lines) > 3
    assert [line for line in lines if len(line) > 80 or "…" in line] == []


def documented() -> Iterator[str]:
    for page in PAGES:
        for typed, named in TYPED.findall((ROOT / page).read_text()):
            yield (typed or named).strip()


@pytest.mark.parametrize("line", sorted(set(documented())))
def test_a_command_of_a_page_is_one_with_its_options(line: str) -> None:
    words = shlex.split(line, comments=True)
    command, names = STOREFRONT, ["storefront"]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        names.append(words.pop(0))
        assert names[-1] in command.commands, line
        command = command.commands[names[-1]]

    # One that is only named, such as `storefront order`, need not be complete
    if words and words != ["--help"]:
        command.make_context(" ".join(names), words)


def test_the_pages_name_most_commands() -> None:
    assert len(set(documented())) > 40
