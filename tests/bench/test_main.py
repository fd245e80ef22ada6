"""The command line: what runs in which order, and where it goes."""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.bench import __main__ as command
from tools.bench.report import Report, Section
from tools.console import Problem


class Benchmark:
    """Measures one number: how many sections there were before."""

    def __init__(self, name: str, fails: bool = False) -> None:
        self.name = name
        self.fails = fails
        self.arguments: argparse.Namespace | None = None

    def add_to(self, subparsers: Any) -> None:
        subparsers.add_parser(self.name)

    def measure(self, arguments: argparse.Namespace) -> Section:
        self.arguments = arguments
        if self.fails:
            raise Problem("it is too hot")
        return self.section({"before": sorted(arguments.measured)})

    def section(self, data: Any) -> Section:
        rows = [(", ".join(data["before"]),)]
        return Section(
            self.name.title(), "Assumed: nothing.", ("before",), rows, f"<svg>{self.name}</svg>", self.name, data
        )


def run(monkeypatch: pytest.MonkeyPatch, *options: str, benchmarks: list[Benchmark]) -> None:
    monkeypatch.setattr(command, "BENCHMARKS", {one.name: one for one in benchmarks})
    monkeypatch.setattr(command, "SECTIONS", {one.name: one.section for one in benchmarks})
    monkeypatch.setattr("sys.argv", ["bench", *options])
    command.main()


def test_all_benchmarks_run_in_their_order_and_each_knows_what_those_before_it_have_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    benchmarks = [Benchmark("one"), Benchmark("two")]

    run(monkeypatch, "--to", str(tmp_path), benchmarks=benchmarks)

    assert Report.load(tmp_path).measured == {"one": {"before": []}, "two": {"before": ["one"]}}
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["one.svg", "two.svg"]
    assert "## One" in (tmp_path / "report.md").read_text()


def test_what_was_measured_before_a_failure_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--to", str(tmp_path), benchmarks=[Benchmark("one"), Benchmark("two", fails=True)])

    assert ended.value.code == 1
    assert list(Report.load(tmp_path).sections) == ["one"]


def test_one_benchmark_is_shown_and_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--to", str(tmp_path), "two", benchmarks=[Benchmark("one"), Benchmark("two")])

    assert "Assumed: nothing." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_one_benchmark_takes_its_place_in_the_report_if_it_is_to_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a report of both
    benchmarks = [Benchmark("one"), Benchmark("two")]
    run(monkeypatch, "--to", str(tmp_path), benchmarks=benchmarks)

    run(monkeypatch, "--to", str(tmp_path), "--keep", "one", benchmarks=benchmarks)

    assert Report.load(tmp_path).measured == {"one": {"before": ["one", "two"]}, "two": {"before": ["one"]}}


def test_a_report_that_was_edited_is_made_again_from_its_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a report in which somebody has corrected a figure, and left a picture
    benchmarks = [Benchmark("one")]
    run(monkeypatch, "--to", str(tmp_path), benchmarks=benchmarks)
    made = (tmp_path / "report.md").read_text()
    (tmp_path / "report.md").write_text("much better\n")
    (tmp_path / "report" / "old.svg").touch()

    run(monkeypatch, "--to", str(tmp_path), "--redraw", benchmarks=benchmarks)

    assert (tmp_path / "report.md").read_text() == made
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["one.svg"]


def test_a_quick_run_leaves_the_report_alone() -> None:
    quick = SimpleNamespace(to=None, quick=True)
    thorough = SimpleNamespace(to=None, quick=False)

    assert command._folder(quick) != command._folder(thorough)  # type: ignore[arg-type]


def test_the_numbers_are_readable_by_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(monkeypatch, "--to", str(tmp_path), benchmarks=[Benchmark("one")])

    content = json.loads((tmp_path / "report.json").read_text())
    assert content.keys() == {"machine", "sections"}
