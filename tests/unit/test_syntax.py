"""Code that no Python reads is found before it is deployed."""

from pathlib import Path

import pytest

from tools.console import Problem
from tools.stack import code_update, syntax


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(syntax, "ROOT", tmp_path)
    (tmp_path / "src").mkdir()
    return tmp_path / "src/handler.py"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1\ndef handler(:\n", "src/handler.py, line 2: invalid syntax"),
        ("\nreturn 1\n", "src/handler.py, line 2: 'return' outside function"),
        ("x = '\0'\n", "null bytes"),
        ("x = 1\n  y = 2\n", "src/handler.py, line 2: unexpected indent"),
    ],
)
def test_a_module_that_is_not_python_is_named_with_its_line(code: Path, text: str, problem: str) -> None:
    code.write_text(text)

    with pytest.raises(Problem) as told:
        syntax.check("src")

    assert problem in str(told.value)


@pytest.mark.filterwarnings("error")
def test_a_warning_is_not_an_error(code: Path) -> None:
    code.write_text('x = "\\d"\n')

    syntax.check("src")


def test_our_own_code_is_python() -> None:
    syntax.check(*code_update.FOLDERS)
