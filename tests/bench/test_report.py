"""The report: what report.json and the code make, and nothing that anybody has written into it."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tools.bench import pictures, size
from tools.bench.cold import benchmark as cold
from tools.bench.figure import Figure
from tools.bench.report import FOLDER, Report, page
from tools.bench.section import Section
from tools.bench.session import benchmarks

SVG = "{http://www.w3.org/2000/svg}"
SECTION = Section(
    title="Cold starts",
    about="What was done.\n\n**Assumed:** a quiet machine.\n\n**Not measured:** the moon.",
    head=("function", "time"),
    rows=[("one", "12.3 ms")],
    chart="<svg/>",
    name="cold",
    data={"one": (12.3,)},
)


@pytest.fixture
def report() -> Report:
    return Report.load()


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - our own


def every_section(report: Report) -> list[Section]:
    made = [benchmarks()[name].section(data) for name, data in report.measured.items()]
    return [*made, *[below for section in made for below in section.more]]


def test_the_report_is_what_its_numbers_and_the_code_make(report: Report) -> None:
    files = report.files(benchmarks())

    there = {name: (FOLDER / name).read_text() for name in files}
    assert there == files, "made again with: storefront bench --redraw"
    pictures_there = {f"report/{path.name}" for path in (FOLDER / "report").iterdir()}
    assert pictures_there == {name for name in files if name.endswith(".svg")}


def test_every_section_says_what_it_assumes(report: Report) -> None:
    silent = [section.title for section in every_section(report) if "Assumed:" not in section.about]

    assert silent == []


def test_every_row_has_a_cell_for_each_column(report: Report) -> None:
    for section in every_section(report):
        assert {len(row) for row in section.rows} == {len(section.head)}, section.title


def test_a_section_goes_by_the_name_of_its_benchmark(report: Report) -> None:
    assert {name: benchmarks()[name].section(data).name for name, data in report.measured.items()} == {
        name: name for name in report.sections
    }


def test_the_report_says_on_what_machine_it_was_made(report: Report) -> None:
    assert {"processor", "Python", "packages"} <= report.machine.keys()
    assert all(entry["date"] for entry in report.sections.values())


def test_no_picture_runs_or_loads_anything_and_each_is_readable_in_light_and_dark(report: Report) -> None:
    for section in every_section(report):
        if section.chart:
            root = parsed(section.chart)
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert tags <= {"svg", "defs", "style", "g", "rect", "text", "path", "circle", "title"}, section.title
            assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
            assert "prefers-color-scheme: dark" in section.chart
            assert "http" not in section.chart.replace("http://www.w3.org/2000/svg", "")


def test_a_picture_is_the_same_each_time_and_names_no_day() -> None:
    rows = [("one", [Figure.of([1], "ms")])]

    once, again = (pictures.bars("Times", ("a",), rows) for _ in range(2))

    assert once == again
    assert "Generated" not in once


def test_nothing_in_a_picture_is_out_of_it() -> None:
    # Given names that are not made for XML, and figures that are far apart
    figures = [Figure.of([1], "ms"), Figure.of([900, 1000, 5000], "ms")]

    chart = pictures.bars("<Times> & more", ("a", "b"), [("one & two", figures)])

    (plot,) = [each for each in parsed(chart).iter(f"{SVG}g") if each.get("class") == "plot"]
    ground, *bars = plot.iter(f"{SVG}rect")
    widths = [float(bar.attrib["width"]) for bar in bars]
    assert len(widths) == 2
    # 5,000 is the right end, and the bar of 1,000 a fifth of that
    assert max(widths) == pytest.approx(float(ground.attrib["width"]) / 5, rel=0.06)
    ends = [
        float(number) for path in plot.iter(f"{SVG}path") for number in re.findall(r"[ML]([\d.]+)", path.attrib["d"])
    ]
    assert max(ends) <= float(ground.attrib["width"])


def test_a_line_goes_up_with_what_it_shows() -> None:
    chart = pictures.lines("Growth", ("x", "y"), {"one": [(1, 5), (10, 50), (100, 500)]})

    (line,) = [each for each in parsed(chart).iter(f"{SVG}path") if "nofill" in each.get("class", "")]
    heights = [float(height) for height in re.findall(r"[ML]?[\d.]+[ ,]([\d.]+)", line.attrib["d"])]
    # Up is less, and equal factors are equal steps.
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert heights[0] > heights[1]


def test_a_figure_is_the_median_with_its_spread() -> None:
    figure = Figure.of([12.0, 300.0, 11.0], "ms")

    assert figure == Figure(median=12.0, low=11.0, high=300.0, unit="ms", runs=3)
    assert (figure.text, figure.spread) == ("12.0 ms", "11.0 to 300, 3 runs")
    assert figure.ratio_to(Figure.of([6.0], "ms")) == 2


def test_what_was_measured_comes_back_as_it_was_written() -> None:
    # Given a section whose numbers JSON has another type for
    report = Report({"processor": "one"}, {})

    report.add(SECTION)

    # Then they are that already
    assert report.measured == {"cold": {"one": [12.3]}}


def test_a_page_leads_to_its_sections_and_keeps_assumptions_apart() -> None:
    below = replace(SECTION, title="Below", chart=None)

    text = page({"processor": "one"}, [("2026-11-21", replace(SECTION, more=(below,)))])

    assert "- [Cold starts](#cold-starts)" in text
    assert "\n\n**Assumed:** a quiet machine.\n\n**Not measured:** the moon." in text
    assert "![Cold starts](report/cold.svg)" in text
    assert "\n### Below\n" in text
    assert "| one | 12.3 ms |" in text


def test_the_committed_figures_keep_every_bound(report: Report) -> None:
    assert cold.broken_bounds(report.measured["cold"]) == []
    assert size.broken_bounds(size.Package(**one) for one in report.measured["size"]["packages"]) == []


def test_the_committed_cold_starts_are_of_five_rounds_at_the_least(report: Report) -> None:
    measured = report.measured["cold"]

    assert measured["rounds"] >= 5
    for function in measured["functions"]:
        assert function["shipped"]["init"]["runs"] == function["without"]["init"]["runs"] == measured["rounds"]
