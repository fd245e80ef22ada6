"""Everything that people read is in plain sentences: code, templates, workflows and tests, as well as the pages.

tests/docs/test_pages.py holds the pages to it.
"""

import ast
import re
from pathlib import Path

import pytest

from tools.stack.stack import ROOT

FOLDERS = ("src", "sandbox", "tools", "tests", "events", ".github")
SUFFIXES = {".py", ".yaml", ".yml", ".toml", ".json", ".in", ""}
GENERATED = {"package-lock.json", "calls.json", "internals.json"}
THIS = Path(__file__)
ROUNDABOUT = re.compile(r"is no |that is no\b|nothing of|so many|what is no\b")
# At the beginning of a text, a sentence, or a description below a name; a question may begin so.
BACKWARDS = re.compile(r"(?:\A|[.!?:]\s+|\n\n\s*|(?:\A|\n)\S[^\n]*\n {4})(?:What|Who|Whoever|Of) (?![^.?!]*\?)[^\n]*")


def texts() -> dict[str, str]:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    files += [path for path in ROOT.iterdir() if path.suffix in {".yaml", ".toml"} or path.name == "Makefile"]
    chosen = [
        path
        for path in files
        if path.is_file()
        and path.suffix in SUFFIXES
        and path.name not in GENERATED
        and not {"node_modules", "__pycache__"} & set(path.parts)
        and path not in (THIS, THIS.with_name("test_pages.py"))
    ]
    return {str(path.relative_to(ROOT)): path.read_text(errors="replace") for path in chosen}


TEXTS = texts()


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file}:{number}: {line.strip()}"
        for file, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_sentences_say_what_is() -> None:
    assert lines_with(ROUNDABOUT) == []


def docstrings(source: str) -> list[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(ast.parse(source)) if isinstance(node, documented))
    return [text for text in found if text]


def comments(source: str) -> list[str]:
    """Return the comments, several lines together, those behind code, and the descriptions of YAML."""
    blocks = re.findall(r"(?:^ *#(?: .*)?\n)+", source, re.MULTILINE)
    whole = ["\n".join(line.strip(" #") for line in block.splitlines()).strip() for block in blocks]
    behind = re.findall(r"\S  # (.*)", source)
    return whole + behind + re.findall(r"(?:[Dd]escription|summary): \"?(.*)", source)


def test_sentences_begin_with_their_subject_or_verb() -> None:
    texts = [(file, text) for file, source in TEXTS.items() for text in comments(source)]
    texts += [(file, text) for file, source in TEXTS.items() if file.endswith(".py") for text in docstrings(source)]

    assert len(texts) > 1000
    assert [f"{file}: {found[0]}" for file, text in texts for found in BACKWARDS.finditer(text)] == []


@pytest.mark.parametrize(
    "text",
    ["What it is.", "It is. What comes is new", "It is.\nWho comes", "Texts.\n\nOf two", "name\n    What it holds."],
)
def test_a_sentence_that_begins_backwards_is_found(text: str) -> None:
    assert BACKWARDS.search(text)


@pytest.mark.parametrize("text", ["What is it?", "It says\nWhat comes", "Tells who comes. Nobody does"])
def test_questions_and_lines_within_a_sentence_are_left_alone(text: str) -> None:
    assert not BACKWARDS.search(text)


@pytest.mark.parametrize("line", ["it is no JSON", "what is no order", "so many of them", "it says nothing of us"])
def test_a_roundabout_sentence_is_found(line: str) -> None:
    assert ROUNDABOUT.search(line)


@pytest.mark.parametrize("line", ["a body that is not JSON", "what is not known", "that is nothing new"])
def test_a_plain_negation_is_left_alone(line: str) -> None:
    assert not ROUNDABOUT.search(line)
