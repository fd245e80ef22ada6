"""Recognizes a text for people: whole sentences, without shouted words."""

import re

_NAMES = re.compile(r"`[^`]*`|\b[A-Z0-9]+(?:-[A-Z0-9]+)+\b|\b(?:API|ASCII|HTTP|ISO|JSON|SHA|SKU|UUID)\b")
_BEGINS_SMALL = re.compile(r"[.?] [a-z]")
_SHOUTED = re.compile(r"\b[A-Z]{3,}\b|XX")


def is_prose(text: object) -> bool:
    """Return whether a text begins and ends as sentences do and shouts nowhere outside of names."""
    if not isinstance(text, str):
        return False
    begins = text.startswith(("`", "/", "the body")) or text[:1].isupper()
    words = _NAMES.sub("", text)
    return begins and text.endswith((".", "`")) and not _SHOUTED.search(words) and not _BEGINS_SMALL.search(words)
