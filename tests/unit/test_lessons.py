"""The course's runner without a stack: pages, expected answers, the shell."""

from pathlib import Path

import pytest

from tools.console import Problem
from tools.lessons import shell
from tools.lessons.expected import is_as_expected
from tools.lessons.page import steps_of
from tools.lessons.shell import Shell

PAGE = """\
# 9. Title

## 1. First

```console
$ one
1
$ two \\
> more
2
> 3
```

```sh
not run
```

## Break it

<details><summary>Solution</summary>

```console
$ three
```

</details>
"""


def test_a_page_is_its_steps_with_commands_and_answers() -> None:
    first, broken = steps_of(PAGE)

    assert [(step.key, step.title) for step in (first, broken)] == [("1", "First"), ("break-it", "Break it")]
    assert [(each.typed, each.expected, each.line) for each in first.commands] == [
        ("one", "1\n", 6),
        ("two \\\nmore", "2\n> 3\n", 8),
    ]
    assert [(each.typed, each.expected) for each in broken.commands] == [("three", "")]


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ("a", "a\n"),
        ("\na  \nb\n", "a\nb\n"),
        ("", ""),
        ("id 42.", "id <ID>."),
        ("1 and 1", "<ID> and <ID>"),
        ("first\nmany\nlines\nlast", "first\n...\nlast\n"),
        ("first\nlast", "first\n...\nlast\n"),
        ("<xml/> (a+b)?", "<xml/> (a+b)?"),
    ],
)
def test_an_answer_as_expected(came: str, expected: str) -> None:
    assert is_as_expected(came, expected, {})


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ("a\nb", "a"),
        ("a", ""),
        ("", "a"),
        ("id .", "id <ID>."),
        ("1 and 2", "<ID> and <ID>"),
        ("one\ntwo", "<ID>"),
        ("first", "first\n...\nlast\n"),
        ("aab", "(a+b)?"),
    ],
)
def test_another_answer(came: str, expected: str) -> None:
    assert not is_as_expected(came, expected, {})


def test_a_placeholder_keeps_its_value_until_the_end_of_the_lesson() -> None:
    known: dict[str, str] = {}

    assert is_as_expected("id 42", "id <ID>", known)
    assert known == {"ID": "42"}
    assert is_as_expected("again 42", "again <ID>", known)
    assert not is_as_expected("again 43", "again <ID>", known)


def test_an_answer_that_fails_leaves_no_placeholder() -> None:
    known: dict[str, str] = {}

    assert not is_as_expected("id 42!", "id <ID>?", known)
    assert known == {}


def test_the_next_command_has_the_variables_of_the_last(tmp_path: Path) -> None:
    with Shell(tmp_path, {"PATH": "/usr/bin:/bin", "GIVEN": "given"}) as opened:
        assert opened.run("NAME=\"two  $GIVEN 'words'\"; false") == ""
        assert opened.run('echo "$NAME"; echo wrong >&2; pwd') == f"two  given 'words'\nwrong\n{tmp_path}\n"


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"

    with Shell(tmp_path, {"PATH": "/usr/bin:/bin"}) as opened:
        with monkeypatch.context() as patch, pytest.raises(Problem, match="no end within"):
            patch.setattr(shell, "SECONDS", 0.2)
            opened.run(f"(sleep 0.6; touch {mark}) & wait")
        assert opened.run("sleep 0.8; echo next") == "next\n"

    assert not mark.exists()
