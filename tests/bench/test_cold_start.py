"""A cold start: measured where it succeeds, and told where it does not. Nothing here depends on how long it takes."""

from pathlib import Path

import pytest

from tests.bench.conftest import MakeFunction
from tools.bench.cold import start as cold_start
from tools.bench.cold.start import import_milliseconds
from tools.bench.process import Runnable
from tools.console import Problem

ANSWERS = "def handler(event, context): return {'statusCode': 200, 'body': event['body']}"


def start(runnable: Runnable, tmp_path: Path, event: object = None) -> cold_start.ColdStart:
    return cold_start.start(runnable, event, tmp_path / "log")


def test_a_cold_start_goes_from_the_process_s_start_over_its_initialisation_to_its_answer(
    make_function: MakeFunction, tmp_path: Path
) -> None:
    started = start(make_function(ANSWERS), tmp_path, {"body": "Hello"})

    assert started.total
    assert 0 < started.init < started.total
    assert started.megabytes > 5


def test_memory_is_that_of_the_function_and_not_of_the_benchmark(make_function: MakeFunction, tmp_path: Path) -> None:
    kept = bytearray(200_000_000)
    small = start(make_function(ANSWERS), tmp_path, {"body": ""}).megabytes
    large = start(make_function("kept = b'x' * 100_000_000\n" + ANSWERS), tmp_path, {"body": ""}).megabytes

    assert small < len(kept) / 1e6 / 2
    assert 90 < large - small < 110


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def handler(event, context): raise KeyError('the-name')", "KeyError: 'the-name'"),
        ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("raise RuntimeError('no table')", "RuntimeError: no table"),
        ("def handler(event, context): return {'statusCode': 500}", 'refuses its event.*"statusCode": 500'),
        ("def handler(event, context): return {'batchItemFailures': [{'itemIdentifier': '1'}]}", "refuses its event"),
        ("print('last words'); import os; os._exit(3)", "without an answer.*last words"),
    ],
)
def test_what_fails_is_told_with_its_function_and_not_measured(
    make_function: MakeFunction, tmp_path: Path, code: str, told: str
) -> None:
    with pytest.raises(Problem, match=f"(?s)a-function.*{told}"):
        start(make_function(f"import sys\nsys.stdout.reconfigure(line_buffering=True)\n{code}"), tmp_path, {})


def test_a_function_without_an_event_is_initialised_only(make_function: MakeFunction, tmp_path: Path) -> None:
    started = start(make_function("def handler(event, context): raise AssertionError"), tmp_path)

    assert started.total is None
    assert started.init > 0


def test_a_start_leaves_no_bytecode_for_the_next(make_function: MakeFunction, tmp_path: Path) -> None:
    runnable = make_function("import part\n" + ANSWERS, part="")

    start(runnable, tmp_path, {"body": ""})
    import_milliseconds(runnable)

    assert sorted(path.name for path in runnable.package.rglob("*")) == ["app.py", "part.py"]


def test_an_import_is_that_of_what_is_shipped_without_the_rest_and_without_clients(
    make_function: MakeFunction, tmp_path: Path
) -> None:
    # Given a package's module that takes a tenth of a second, and others that take very much longer
    slow = "import time; time.sleep({})"
    code = "import part, elsewhere, boto3\nboto3.client('no-such-service')\ndef handler(event, context): ..."
    runnable = make_function(code, part=slow.format(0.1))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "elsewhere.py").write_text(slow.format(2))
    runnable.environment["PYTHONPATH"] = str(elsewhere)  # type: ignore[index]

    assert 100 <= import_milliseconds(runnable) < 2000


def test_an_import_that_fails_is_told_with_its_function(make_function: MakeFunction) -> None:
    with pytest.raises(Problem, match=r"a-function cannot be imported: .*nowhere_at_all"):
        import_milliseconds(make_function("import nowhere_at_all"))
