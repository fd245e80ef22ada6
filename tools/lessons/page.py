"""A lesson's page: the commands in its ``console`` blocks, and what each must print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tools.console import Misuse
from tools.stack.stack import ROOT

FOLDER = ROOT / "lessons"
_TITLE = re.compile(r"# \d+\. (.+)")
_MINUTES = re.compile(r"\*\*(\d+) minutes\.\*\*")
_STEP = re.compile(r"(?:(\d+)\. )?(.+)")
_PROMPT, _CONTINUED = "$ ", "> "


@dataclass
class Command:
    """A command as it is typed, what it must print, and the line of the page where it stands."""

    typed: str
    line: int
    expected: str = ""


@dataclass(frozen=True)
class Step:
    """A part of a lesson; its key is its number, or its heading with hyphens (``break-it``)."""

    key: str
    title: str
    commands: list[Command]


@dataclass(frozen=True)
class Lesson:
    """A folder of ``lessons/``: ``03-requests`` is lesson 3, ``requests``."""

    directory: Path

    @property
    def number(self) -> int:
        """Its place in the course."""
        return int(self.directory.name.partition("-")[0])

    @property
    def name(self) -> str:
        """The name that a person types."""
        return self.directory.name.partition("-")[2]

    @property
    def page(self) -> Path:
        """The text of the lesson."""
        return self.directory / "README.md"

    @property
    def template(self) -> Path | None:
        """The template of the lesson's own stack; a lesson about the shop has none."""
        path = self.directory / "template.yaml"
        return path if path.exists() else None

    @property
    def title(self) -> str:
        """The page's heading, without the number."""
        return _found(_TITLE, self.page)

    @property
    def minutes(self) -> int:
        """The time that a person needs."""
        return int(_found(_MINUTES, self.page))

    @property
    def steps(self) -> list[Step]:
        """The parts of the page that have commands, in order."""
        return [step for step in steps_of(self.page.read_text()) if step.commands]


def lessons() -> list[Lesson]:
    """Return all lessons in the order of the course."""
    return sorted((Lesson(path.parent) for path in FOLDER.glob("*/README.md")), key=lambda lesson: lesson.number)


def named(name: str) -> Lesson:
    """Return a lesson by its name, number or folder; raise `Misuse` with all names if there is none."""
    known = lessons()
    for lesson in known:
        if name in (lesson.name, str(lesson.number), lesson.directory.name):
            return lesson
    raise Misuse(f"no lesson is called {name!r}: name one of {', '.join(lesson.name for lesson in known)}")


def steps_of(text: str) -> list[Step]:
    """Return the parts under headings of the second level, with the commands of their ``console`` blocks."""
    steps: list[Step] = []
    tokens = MarkdownIt().parse(text)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and token.tag == "h2" and following:
            steps.append(_step(following.content))
        elif token.type == "fence" and token.info == "console" and token.map:
            steps[-1].commands.extend(_commands(token.content, token.map[0] + 2))
    return steps


def _step(heading: str) -> Step:
    number, title = re.fullmatch(_STEP, heading).groups()  # type: ignore[union-attr]
    return Step(number or re.sub(r"\W+", "-", title.lower()), title, [])


def _commands(block: str, first_line: int) -> list[Command]:
    commands: list[Command] = []
    for line, text in enumerate(block.splitlines(), start=first_line):
        if text.startswith(_PROMPT):
            commands.append(Command(text.removeprefix(_PROMPT), line))
        elif text.startswith(_CONTINUED) and not commands[-1].expected:
            commands[-1].typed += f"\n{text.removeprefix(_CONTINUED)}"
        else:
            commands[-1].expected += f"{text}\n"
    return commands


def _found(pattern: re.Pattern[str], page: Path) -> str:
    found = pattern.search(page.read_text())
    if found is None:
        raise ValueError(f"{page} has no {pattern.pattern}")
    return found[1]
