"""The comparison of an answer with the expected one, which may hold named placeholders.

``<ID>`` stands for any text on a line, and where it comes again for the same text; a line ``...`` for any lines.
"""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9_]*)>")
_ANY_LINES = "..."


def is_as_expected(came: str, expected: str, known: dict[str, str]) -> bool:
    """Whether an answer is the expected one; if so, add the values of its new placeholders to those that are known."""
    matched = re.fullmatch(_pattern(_trimmed(expected), known), f"{_trimmed(came)}\n")
    if matched:
        known |= matched.groupdict()
    return matched is not None


def _pattern(expected: str, known: dict[str, str]) -> str:
    seen: set[str] = set()
    return "".join(
        r"(?:.*\n)*?" if line == _ANY_LINES else f"{_line(line, known, seen)}\n" for line in expected.split("\n")
    )


def _line(line: str, known: dict[str, str], seen: set[str]) -> str:
    parts = _PLACEHOLDER.split(line)  # text and names in turn
    pattern = re.escape(parts[0])
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        if name in known:
            pattern += re.escape(known[name])
        else:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
        seen.add(name)
        pattern += re.escape(text)
    return pattern


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
