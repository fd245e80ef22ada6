"""The index of the course: each concept of ``lessons/concepts.toml``, with a link to the step that shows it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from tools.lessons.page import FOLDER, Lesson, Step, lessons, steps_of


@dataclass(frozen=True)
class Concept:
    """A concept under a heading of the notes, and the step that shows it."""

    heading: str
    name: str
    lesson: Lesson
    step: Step

    @property
    def link(self) -> str:
        """A Markdown link to the step's heading, from the index."""
        text = f"{self.step.key}. {self.step.title}" if self.step.key.isdigit() else self.step.title
        anchor = re.sub(r"[^a-z0-9 _-]", "", text.lower()).replace(" ", "-")
        return f"[{self.lesson.name}, {text}]({self.lesson.directory.name}/README.md#{anchor})"


def concepts() -> list[Concept]:
    """Return all concepts in the order of the file; a lesson or step that there is not is a `KeyError`."""
    return list(_concepts())


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield the rows of the index; a heading stands beside its first concept."""
    last = ""
    for concept in concepts():
        yield (concept.heading if concept.heading != last else "", concept.name, concept.link)
        last = concept.heading


def _concepts() -> Iterator[Concept]:
    known = {lesson.name: lesson for lesson in lessons()}
    steps = {name: {step.key: step for step in steps_of(each.page.read_text())} for name, each in known.items()}
    for heading, named in tomllib.loads((FOLDER / "concepts.toml").read_text()).items():
        for name, place in named.items():
            lesson, key = place.split()
            yield Concept(heading, name, known[lesson], steps[lesson][key])
