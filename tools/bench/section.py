"""A section of the report: what one benchmark has measured, with its text, table and picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.markdown import table

TEXTS = Path(__file__).with_name("about")


@dataclass(frozen=True)
class Section:
    """A section of the report: a text that says what is ``Assumed:``, a table, a picture as SVG text.

    Its ``name`` is the benchmark's, and its picture's; it is made from ``data``, which those below it (``more``) share.
    """

    name: str
    title: str
    about: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    chart: str | None = None
    data: Any = field(default=None, repr=False)
    more: tuple[Section, ...] = ()

    @property
    def pictures(self) -> dict[str, str]:
        """The pictures of this section and of those below it, by their names."""
        below = {name: picture for section in self.more for name, picture in section.pictures.items()}
        return ({self.name: self.chart} if self.chart else {}) | below

    def markdown(self, heading: str = "##", measured: str = "") -> str:
        """Return the section and those below it as Markdown; a line may say when it was measured."""
        picture = f"![{self.title}](report/{self.name}.svg)" if self.chart else ""
        parts = [f"{heading} {self.title}", self.about, measured, picture, table(self.head, self.rows).rstrip()]
        return "\n\n".join([*filter(None, parts), *(below.markdown(f"{heading}#") for below in self.more)])


def about(name: str, **values: object) -> tuple[str, str, str]:
    """Return a section's name, and its title and text from ``about/`` with the values of its placeholders."""
    title, _, text = (TEXTS / f"{name}.md").read_text().strip().partition("\n\n")
    return name, title.removeprefix("# "), text.format(**values)


def verdict(broken: Sequence[str]) -> str:
    """Return the sentence that says whether the bounds are kept."""
    return f"**Not kept: {'; '.join(broken)}.**" if broken else "Every bound is kept."


def listed(calls: Mapping[str, int]) -> str:
    """Return AWS calls by service and operation (``dynamodb:GetItem``), as a table shows them."""
    return ", ".join(f"{count:,} {call.rpartition(':')[2]}" for call, count in calls.items())
