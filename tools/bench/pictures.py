"""Pictures as SVG text, drawn by pygal; their colours follow the reader's preference for light or dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # takes parts out of pygal's own tree; nothing is parsed  # nosec B405

import pygal

from tools.bench.figure import Figure

_STYLE = Path(__file__).with_name("pictures.css")
_WIDTH = 800
# The heights of a picture without its rows, and of a bar.
_FRAME_HEIGHT, _BAR_HEIGHT = 130, 16
_LENGTHS = ("x", "y", "cx", "cy", "r", "width", "height")


def bars(title: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[Figure | None]]]) -> str:
    """Return bars from left to right, each with its spread; a row has a label, and a figure for each of the series."""
    figures = [figure for _, row in rows for figure in row if figure]
    # pygal draws from the bottom to the top.
    upwards = rows[::-1]
    chart = _chart(pygal.HorizontalBar, title, len(figures), range=(0, max(figure.high for figure in figures)))
    chart.x_labels = [label for label, _ in upwards]
    for number, name in enumerate(series):
        column = [row[number] for _, row in upwards]
        chart.add(name, [figure and {"value": figure.median, "ci": _interval(figure)} for figure in column])
    return _drawn(chart)


def stacked(title: str, rows: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """Return bars made of shares, whose names mean the same in each row."""
    upwards = rows[::-1]
    chart = _chart(pygal.HorizontalStackedBar, title, 3 * len(rows))
    chart.x_labels = [label for label, _ in upwards]
    for name in dict.fromkeys(name for _, row in rows for name in row):
        chart.add(name, [row.get(name) for _, row in upwards])
    return _drawn(chart)


def lines(title: str, axes: tuple[str, str], series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return a line for each of the series, on logarithmic scales; the axes are the horizontal and the vertical one."""
    chart = _chart(pygal.XY, title, 20, logarithmic=True, x_title=axes[0], y_title=axes[1], margin_right=40)
    chart.x_value_formatter = "{:,.10g}".format
    points = [point for line in series.values() for point in line]
    chart.x_labels, chart.y_labels = (_powers(values) for values in zip(*points, strict=True))
    for name, line in series.items():
        chart.add(name, list(line))
    return _drawn(chart)


def _chart(kind: Any, title: str, bars: int, **options: Any) -> Any:
    height = _FRAME_HEIGHT + _BAR_HEIGHT * bars
    return kind(title=title, width=_WIDTH, height=height, legend_at_bottom=True, js=(), css=(), **options)


def _drawn(chart: Any) -> str:
    chart.add_xml_filter(_plain)
    return str(chart.render(is_unicode=True, disable_xml_declaration=True)) + "\n"


def _plain(root: ET.Element) -> ET.Element:
    """Leave out pygal's script and date, so that a picture is the same to the byte each day, and round the lengths."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (ET.Comment, "script", "desc") or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
        parent.attrib.update({name: f"{float(parent.attrib[name]):.1f}" for name in _LENGTHS if name in parent.attrib})
        if "class" in parent.attrib:
            parent.attrib["class"] = parent.attrib["class"].removesuffix(" reactive tooltip-trigger")
    root.attrib.pop("id", None)
    next(root.iter("style")).text = _STYLE.read_text()
    return root


def _interval(figure: Figure) -> dict[str, Any]:
    return {"low": figure.low, "high": figure.high}


def _powers(values: Iterable[float]) -> list[float]:
    """Return the powers of ten from the one below all values to the one above."""
    exponents = [math.log10(value) for value in values]
    return [10.0**power for power in range(math.floor(min(exponents)), math.ceil(max(exponents)) + 1)]
