"""make: no value of its variables is ever run, and clean works whatever is broken."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.stack.stack import ROOT

TEXT = (ROOT / "Makefile").read_text()
VARIABLES = re.findall(r"^#   ([A-Z]+)=", TEXT, re.MULTILINE)
TARGETS = re.findall(r"^([a-z]+):.*##", TEXT, re.MULTILINE)
# Each of these makes the file `ran` where a shell, or make, reads the value as its own language.
HOSTILE = [
    "x'; touch ran; '",
    'x"; touch ran; "',
    "x; touch ran",
    "x`touch ran`",
    "x$(touch ran)",
    "x$(shell touch ran)",
]
SEEN_AS = {"PORT": "STOREFRONT_PORT", "STATE": "STOREFRONT_STATE"}


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile, and programs that write down the environment they are started with."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    for name in ("storefront", "python", "sam"):
        program(tmp_path / ".venv/bin" / name, "env >> seen")
    program(tmp_path / "tools/find-python", "env >> seen; echo .venv/bin/python")
    program(tmp_path / "tools/clean", "env >> seen")
    return tmp_path


def make(checkout: Path, *words: str, **variables: str) -> None:
    subprocess.run(["make", *words], cwd=checkout, env=os.environ | variables, check=True, capture_output=True)


def test_the_makefile_is_small_and_has_variables_to_try() -> None:
    assert len(TEXT.splitlines()) <= 70
    assert len(VARIABLES) >= 4
    assert {"up", "demo", "test", "clean", "deploy"} <= set(TARGETS)


def test_help_lists_every_chore_on_80_columns(checkout: Path) -> None:
    printed = subprocess.run(["make"], cwd=checkout, capture_output=True, text=True, check=True).stdout

    assert set(re.findall(r"^  make (\w+) ", printed, re.MULTILINE)) == set(TARGETS)
    assert [line for line in printed.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("variable", VARIABLES)
def test_a_value_on_the_command_line_is_never_run(checkout: Path, variable: str, value: str) -> None:
    make(checkout, *TARGETS, f"{variable}={value}")

    assert not (checkout / "ran").exists()
    assert f"{SEEN_AS.get(variable, variable)}={value}\n" in (checkout / "seen").read_text()


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("variable", VARIABLES)
def test_a_value_in_the_environment_is_never_run(checkout: Path, variable: str, value: str) -> None:
    make(checkout, *TARGETS, **{variable: value})

    assert not (checkout / "ran").exists()
    assert f"{SEEN_AS.get(variable, variable)}={value}\n" in (checkout / "seen").read_text()


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_python_is_never_run(tmp_path: Path, value: str) -> None:
    shutil.copy(ROOT / "tools/find-python", tmp_path)

    ended = subprocess.run(["/bin/sh", "find-python"], cwd=tmp_path, env=os.environ | {"PYTHON": value}, check=False)

    assert ended.returncode == 1
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def made(checkout: Path) -> Path:
    """A checkout in which make has made something."""
    shutil.copy(ROOT / "tools/clean", checkout / "tools")
    (checkout / "src/__pycache__").mkdir(parents=True)
    (checkout / ".local").mkdir()
    return checkout


def check_clean(made: Path) -> None:
    assert not [name for name in (".venv", ".local", "src/__pycache__") if (made / name).exists()]
    assert (made / "src").exists()


@pytest.mark.parametrize("broken", ["exit 1", "exec /no/such/python", "kill -KILL $$"])
def test_clean_works_with_a_broken_environment(made: Path, broken: str) -> None:
    program(made / ".venv/bin/storefront", broken)

    make(made, "clean")

    check_clean(made)


def test_clean_works_without_an_environment(made: Path) -> None:
    shutil.rmtree(made / ".venv")

    make(made, "clean")

    check_clean(made)


@pytest.fixture
def process(made: Path, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that an emulator's lock names, with a word among its own."""
    command = [sys.executable, "-c", "import time; time.sleep(60)", request.param]
    with subprocess.Popen(command, start_new_session=True) as started:
        lock = made / ".local/tests/emulator.lock"
        lock.parent.mkdir()
        lock.write_text(f'{{"port": 4566, "pid": {started.pid}, "of another version": true}}')
        yield started
        started.kill()


@pytest.mark.parametrize("process", ["ministack"], indirect=True)
def test_clean_ends_an_emulator_of_whatever_version(made: Path, process: "subprocess.Popen[bytes]") -> None:
    program(made / ".venv/bin/storefront", "exit 1")
    started = time.monotonic()

    make(made, "clean")

    assert process.wait(timeout=10) != 0
    assert time.monotonic() - started < 30
    check_clean(made)


@pytest.mark.parametrize("process", ["somebody's"], indirect=True)
def test_clean_ends_no_process_that_has_got_an_emulator_s_number(
    made: Path, process: "subprocess.Popen[bytes]"
) -> None:
    make(made, "clean")

    assert process.poll() is None
    check_clean(made)


def test_python_is_found_without_a_home() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}

    ended = subprocess.run(
        ["/bin/sh", "tools/find-python"], cwd=ROOT, env=environment, capture_output=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.fixture
def pytest_of(checkout: Path) -> Path:
    """A checkout whose Python writes down what it is asked for."""
    program(checkout / ".venv/bin/python", 'echo "$@" >> asked')
    return checkout


def test_empty_tests_run_nothing_and_say_so(pytest_of: Path) -> None:
    ended = subprocess.run(["make", "tests", "TESTS="], cwd=pytest_of, capture_output=True, text=True, check=True)

    assert "no test is run" in ended.stdout
    assert "pytest" not in (pytest_of / "asked").read_text()


@pytest.mark.parametrize(
    ("tests", "processes"), [("tests/unit/test_a.py", "0"), ("tests/unit", "auto"), (None, "auto")]
)
def test_one_file_of_tests_runs_in_one_process(pytest_of: Path, tests: str | None, processes: str) -> None:
    make(pytest_of, "tests", *([f"TESTS={tests}"] if tests else []))

    asked = (pytest_of / "asked").read_text()
    assert f"-m pytest {tests or 'tests'} --quiet --numprocesses {processes}" in asked


def test_warnings_that_somebody_makes_errors_stay_warnings(checkout: Path) -> None:
    make(checkout, *TARGETS, PYTHONWARNINGS="error")

    assert "PYTHONWARNINGS" not in (checkout / "seen").read_text()
