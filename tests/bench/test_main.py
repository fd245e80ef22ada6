"""The command line: what runs in which order, and where it goes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools import cli, environments
from tools.bench import session
from tools.bench.report import FOLDER, Report, Run
from tools.bench.section import Section
from tools.console import Problem, problems_reported


class Benchmark:
    """Measures one number: how many sections there were before."""

    def __init__(self, name: str, fails: bool = False) -> None:
        self.name = name
        self.fails = fails

    def measure(self, run: Run, **options: Any) -> Section:
        if self.fails:
            raise Problem("it is too hot")
        return self.section({"before": sorted(run.measured)})

    def section(self, data: Any) -> Section:
        rows = [(", ".join(data["before"]),)]
        return Section(
            self.name, self.name.title(), "Assumed: nothing.", ("before",), rows, f"<svg>{self.name}</svg>", data
        )


def run(monkeypatch: pytest.MonkeyPatch, *options: str, benchmarks: list[Benchmark]) -> None:
    monkeypatch.setattr(session, "benchmarks", lambda: {one.name: one for one in benchmarks})
    monkeypatch.setattr(environments, "ensure", lambda _: None)
    with problems_reported():
        cli.run("bench", *options)


def test_all_benchmarks_run_in_their_order_and_each_knows_what_those_before_it_have_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    benchmarks = [Benchmark("warm"), Benchmark("cost")]

    run(monkeypatch, "--to", str(tmp_path), benchmarks=benchmarks)

    assert Report.load(tmp_path).measured == {"warm": {"before": []}, "cost": {"before": ["warm"]}}
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["cost.svg", "warm.svg"]
    assert "## Warm" in (tmp_path / "report.md").read_text()


def test_what_was_measured_before_a_failure_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--to", str(tmp_path), benchmarks=[Benchmark("warm"), Benchmark("cost", fails=True)])

    assert ended.value.code == 1
    assert list(Report.load(tmp_path).sections) == ["warm"]


def test_one_benchmark_is_shown_and_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--to", str(tmp_path), "cost", benchmarks=[Benchmark("warm"), Benchmark("cost")])

    assert "Assumed: nothing." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_one_benchmark_takes_its_place_in_the_report_if_it_is_to_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a report of both
    benchmarks = [Benchmark("warm"), Benchmark("cost")]
    run(monkeypatch, "--to", str(tmp_path), benchmarks=benchmarks)

    run(monkeypatch, "--to", str(tmp_path), "--keep", "warm", benchmarks=benchmarks)

    assert Report.load(tmp_path).measured == {"warm": {"before": ["cost", "warm"]}, "cost": {"before": ["warm"]}}


def test_a_report_that_was_edited_is_made_again_from_its_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a report in which somebody has corrected a figure, and left a picture
    benchmarks = [Benchmark("warm")]
    run(monkeypatch, "--to", str(tmp_path), benchmarks=benchmarks)
    made = (tmp_path / "report.md").read_text()
    (tmp_path / "report.md").write_text("much better\n")
    (tmp_path / "report" / "old.svg").touch()

    run(monkeypatch, "--to", str(tmp_path), "--redraw", benchmarks=benchmarks)

    assert (tmp_path / "report.md").read_text() == made
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["warm.svg"]


def test_a_quick_run_leaves_the_report_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = (FOLDER / "report.json").read_bytes()
    monkeypatch.setattr(session, "QUICK_FOLDER", tmp_path)

    run(monkeypatch, "--quick", benchmarks=[Benchmark("warm")])

    assert Report.load(tmp_path).measured == {"warm": {"before": []}}
    assert (FOLDER / "report.json").read_bytes() == before


def test_the_numbers_are_readable_by_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(monkeypatch, "--to", str(tmp_path), benchmarks=[Benchmark("warm")])

    content = json.loads((tmp_path / "report.json").read_text())
    assert content.keys() == {"machine", "sections"}
