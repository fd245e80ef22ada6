"""Removes a part of the shop from a copy of the project: what is called after it, and the code that names it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from tools.checks import removal_python
from tools.checks.part import Part
from tools.checks.rename import clean_files
from tools.console import Misuse
from tools.environments import ROOT

Span = tuple[int, int]
# Lessons have templates of their own; the others record trials and measurements from before.
_KEPT = ("lessons/", "docs/maintaining/", "docs/verified.json", "tools/bench/report")


def remove(package: str, *, over_changes: bool = False) -> list[str]:
    """Remove a package of the shop, and return the lines that still name it: sentences, which a person rewrites.

    Raises
    ------
    Misuse
        The shop has no such package.
    Problem
        The checkout has changes, unless ``over_changes``; or the local stack is up.
    """
    if not (ROOT / "src/storefront" / package / "__init__.py").exists():
        raise Misuse(f"{package}: src/storefront has no such package")
    part = Part(package)
    left: list[str] = []
    for path in clean_files(over_changes=over_changes):
        name = str(path.relative_to(ROOT))
        if name.startswith(_KEPT):
            continue
        if part.is_named_in(name) and not name.startswith("docs/"):
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
        elif (text := _text_of(path)) and part.is_named_in(text):
            path.write_text(text := removed_from(path.suffix, text, part))
            left += [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if part.is_named_in(line)]
    # Bytecode may be left in it
    shutil.rmtree(ROOT / "src/storefront" / package, ignore_errors=True)
    return left


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def removed_from(suffix: str, text: str, part: Part) -> str:
    """Return a file's text without the code that names a part; the suffix tells the language."""
    match suffix:
        case ".py":
            return _without_headings(removal_python.without(text, part), part)
        case ".yaml" | ".yml":
            return _without_headings(_yaml(text, part), part)
        case ".json":
            return json.dumps(_json(json.loads(text), part), indent=2, ensure_ascii=False) + "\n"
        case ".toml":
            return "".join(line for line in text.splitlines(keepends=True) if not part.is_named_in(line))
        case ".md":
            return _markdown(text, part)
    return text


def _without_headings(text: str, part: Part) -> str:
    """Return a text without the comments that begin with the part's name, and without a rule that rules off nothing."""
    text = re.sub(rf"(?m)^ *# +{part.word.capitalize()}.*\n", "", text)
    return re.sub(r"(?m)^( *# -{10,}\n)\n*(?= *# -{10,}\n)", "", text)


def _json(value: Any, part: Part) -> Any:
    if isinstance(value, dict):
        return {name: _json(member, part) for name, member in value.items() if not part.is_named_in(name)}
    return value


def _markdown(text: str, part: Part) -> str:
    """Return a page without the sections, rows, list items and typed lines that are about the part."""
    heading = re.compile(rf"#+ {part.word}s?\b(?! and )", re.IGNORECASE)
    text = "".join(section for section in re.split(r"(?m)^(?=#)", text) if not heading.match(section))
    items = re.split(r"(?m)^(?=- |\d+\. |\||$)", text)
    kept = [item for item in items if not (re.match(r"- |\d+\. |\|", item) and part.is_named_in(item))]
    return re.sub(rf"(?m)^(\.venv/bin/)?storefront {part.word}.*\n", "", "".join(kept))


def _yaml(text: str, part: Part) -> str:
    """Return a template without the blocks whose key names the part, and without its names in lists."""
    lines = text.splitlines(keepends=True)
    while block := _block(lines, part):
        del lines[slice(*block)]
    name = rf"(?:\$\{{)?\w*{part.word}\w*\}}?"
    text = re.sub(rf'(?i)\["[^\[\]]*{name}[^\[\]]*\](,\s*|(?=\s*\]))', "", "".join(lines))
    text = re.sub(rf"(?i)(?<=[\[ ]){name},\s*", "", text)
    return re.sub(rf"(?i),\s*{name}(?=\])", "", text)


def _block(lines: list[str], part: Part) -> Span | None:
    """Return the lines of the first block whose key, or whose first line as a list's item, names the part."""
    for number, line in enumerate(lines):
        key = re.match(r"( *)(- )?([^\s#\[{'\"][^\s:]*|'[^']*'|\"[^\"]*\"):(?: (.*))?$", line)
        if not key or not part.is_named_in(key[3] + (key[4] or "" if key[2] else "")):
            continue
        indent, first, last = len(key[1]), number, number + 1
        while last < len(lines) and (not lines[last].strip() or _indent(lines[last]) > indent):
            last += 1
        while not lines[last - 1].strip():
            last -= 1
        while lines[first - 1].strip().startswith("#") and _indent(lines[first - 1]) == indent:
            first -= 1
        # One of the empty lines around it goes, too.
        return first, last + (last < len(lines) and not (lines[last] + lines[first - 1]).strip())
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
